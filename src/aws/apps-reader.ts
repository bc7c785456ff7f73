import {
  type AttributeValue,
  BatchGetItemCommand,
  type DynamoDBClient,
  type KeysAndAttributes,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import type { App } from "../app/app.ts";
import { normalize } from "../app/normalize.ts";
import { ThrottledError } from "./errors.ts";
import type { AppsReader } from "../pipeline/ports.ts";

/** Most items of one BatchGetItem (AWS's limit). */
const BATCH = 100;

/** Items of one page of a scan: what a sweep holds at a time. */
const PAGE = 500;

/** How often DynamoDB may leave items for later before a read fails; the pause between grows with each, up to 1 s. */
const MAX_ATTEMPTS = 10;

/** Reads apps consistently, and normalizes them. Rejects with the SDK's errors, or ThrottledError. */
export function createAppsReader(client: DynamoDBClient, table: string): AppsReader {
  return {
    async read(appIds) {
      const ids = [...new Set(appIds)];
      const apps = new Map<string, App>();
      for (let from = 0; from < ids.length; from += BATCH) {
        for (const item of await getItems(client, table, ids.slice(from, from + BATCH))) {
          const { app } = normalize(item);
          if (app) apps.set(app.id, app);
        }
      }
      return apps;
    },

    async *pages() {
      const scan = { TableName: table, ConsistentRead: true, Limit: PAGE };
      for await (const { Items = [] } of paginateScan({ client }, scan)) {
        yield Items.flatMap((item) => {
          const { id, app } = normalize(item);
          return id === undefined ? [] : [{ appId: id, app }];
        });
      }
    },
  };
}

async function getItems(client: DynamoDBClient, table: string, appIds: readonly string[]) {
  const items: Record<string, AttributeValue>[] = [];
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
    await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, 50 * 2 ** (attempt - 1))));
    asked = UnprocessedKeys;
  }
}
