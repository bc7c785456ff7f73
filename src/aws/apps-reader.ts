import {
  type AttributeValue,
  BatchGetItemCommand,
  type DynamoDBClient,
  type KeysAndAttributes,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import type { App } from "../app/app.ts";
import { normalize } from "../app/normalize.ts";
import { readAsSoketi } from "../app/soketi-reading.ts";
import { backoff } from "../async/backoff.ts";
import { pause } from "../async/pause.ts";
import { ThrottledError } from "./errors.ts";
import type { AppsReader, ReadItem } from "../pipeline/ports.ts";

type Item = Record<string, AttributeValue>;

/** Most items of one BatchGetItem (AWS's limit). */
const MAX_BATCH_ITEMS = 100;

/** Items of one page of a scan: what a sweep holds at a time. */
const PAGE_ITEMS = 500;

/** How often DynamoDB may leave items out before a read fails. */
const MAX_ATTEMPTS = 10;

/** The pause after the first time, and the longest. Milliseconds. */
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

/** Reads apps consistently, and normalizes them. Rejects with the SDK's errors, or ThrottledError. */
export function createAppsReader(client: DynamoDBClient, table: string): AppsReader {
  return {
    async read(appIds) {
      const apps = new Map<string, App>();
      for (const item of await getAll(client, table, appIds)) {
        const { app } = normalize(item);
        if (app) apps.set(app.id, app);
      }
      return apps;
    },

    async readItems(appIds) {
      const items = new Map<string, ReadItem>();
      for (const item of await getAll(client, table, appIds)) {
        const { id, app } = normalize(item);
        if (id !== undefined) items.set(id, { app, reading: readAsSoketi(item) });
      }
      return items;
    },

    async *pages() {
      const scan = { TableName: table, ConsistentRead: true, Limit: PAGE_ITEMS };
      for await (const { Items = [] } of paginateScan({ client }, scan)) {
        yield Items.flatMap((item) => {
          const { id, app } = normalize(item);
          return id === undefined ? [] : [{ appId: id, app }];
        });
      }
    },
  };
}

async function getAll(client: DynamoDBClient, table: string, appIds: readonly string[]): Promise<Item[]> {
  const ids = [...new Set(appIds)];
  const items: Item[] = [];
  for (let from = 0; from < ids.length; from += MAX_BATCH_ITEMS)
    items.push(...(await getItems(client, table, ids.slice(from, from + MAX_BATCH_ITEMS))));
  return items;
}

async function getItems(client: DynamoDBClient, table: string, appIds: readonly string[]) {
  const items: Item[] = [];
  let asked: Record<string, KeysAndAttributes> = {
    [table]: { Keys: appIds.map((id) => ({ AppId: { S: id } })), ConsistentRead: true },
  };
  for (let attempt = 1; ; attempt += 1) {
    const { Responses, UnprocessedKeys = {} } = await client.send(
      new BatchGetItemCommand({ RequestItems: asked }),
    );
    items.push(...(Responses?.[table] ?? []));
    if (Object.keys(UnprocessedKeys).length === 0) return items;
    if (attempt === MAX_ATTEMPTS) {
      throw new ThrottledError(
        `expected to read ${appIds.length} items of ${table}, DynamoDB left some out ${attempt} times: ` +
          "the table is throttled; raise its capacity or try again later",
      );
    }
    await pause(backoff(attempt, FIRST_PAUSE_MS, MAX_PAUSE_MS));
    asked = UnprocessedKeys;
  }
}
