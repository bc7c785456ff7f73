import {
  DeleteItemCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
  paginateScan,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { keyQuery } from "../app/key-query.ts";
import { hasAttributes } from "./canonical-value.ts";
import { writeOnCondition } from "./conditional-write.ts";
import { Expression } from "./expression.ts";
import type { Attributes, RawItem } from "./raw-item.ts";

/** Items of one page of a scan: one of a megabyte of small items takes long, and somebody waits for it. */
const PAGE_ITEMS = 1_000;

/** Raw items of an apps table, for tools. Reads are consistent; every write has a condition. */
export interface AppItems {
  get(appId: string): Promise<RawItem | undefined>;
  /** Ids of the apps with a key, by the index, which may lag. */
  idsByKey(key: string): Promise<string[]>;
  /** @throws ConflictError when there is such an app. */
  create(item: RawItem): Promise<void>;
  /** @throws ConflictError unless the item is there, and each attribute of `expected` still as given. */
  change(appId: string, attributes: Attributes, expected: Attributes): Promise<void>;
  /** @throws ConflictError as `change`. */
  delete(appId: string, expected: Attributes): Promise<void>;
  /** The whole table, page by page. */
  pages(): AsyncIterable<RawItem[]>;
  /** How many items there are, about: AWS counts every six hours. 0 to those who may not ask. */
  estimate(): Promise<number>;
}

export function createAppItems(client: DynamoDBClient, table: string): AppItems {
  const keyOf = (appId: string) => ({ TableName: table, Key: { AppId: { S: appId } } });
  const get = async (appId: string) =>
    (await client.send(new GetItemCommand({ ...keyOf(appId), ConsistentRead: true }))).Item;
  const has = async (appId: string, attributes: Attributes) => {
    const item = await get(appId);
    return item !== undefined && hasAttributes(item, attributes);
  };
  return {
    get,

    async idsByKey(key) {
      const ids: string[] = [];
      for await (const { Items = [] } of paginateQuery({ client }, keyQuery(table, key))) {
        ids.push(...Items.flatMap(({ AppId }) => (AppId?.S === undefined ? [] : [AppId.S])));
      }
      return ids;
    },

    async create(item) {
      const put = { TableName: table, Item: item, ConditionExpression: "attribute_not_exists(AppId)" };
      const appId = item.AppId?.S ?? "";
      await writeOnCondition(
        client.send(new PutItemCommand(put)),
        () => has(appId, item),
        `expected no app ${appId}, found one: choose another id, or update it`,
      );
    },

    async change(appId, attributes, expected) {
      const expression = new Expression();
      const UpdateExpression = expression.update(attributes);
      const update = { ...keyOf(appId), UpdateExpression, ...expression.condition(expected) };
      await writeOnCondition(
        client.send(new UpdateItemCommand(update)),
        () => has(appId, attributes),
        changedMeanwhile(appId),
      );
    },

    async delete(appId, expected) {
      const request = { ...keyOf(appId), ...new Expression().condition(expected) };
      await writeOnCondition(
        client.send(new DeleteItemCommand(request)),
        async () => (await get(appId)) === undefined,
        changedMeanwhile(appId),
      );
    },

    async *pages() {
      const scan = { TableName: table, ConsistentRead: true, Limit: PAGE_ITEMS };
      for await (const { Items = [] } of paginateScan({ client }, scan)) yield Items;
    },

    estimate: () => estimateOf(client, table),
  };
}

async function estimateOf(client: DynamoDBClient, table: string): Promise<number> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: table }))).Table?.ItemCount ?? 0;
  } catch (error) {
    // Who may read the items need not be allowed to count them.
    if ((error as Error).name === "AccessDeniedException") return 0;
    throw error;
  }
}

const changedMeanwhile = (appId: string) =>
  `expected app ${appId} unchanged since it was read, found it changed or deleted by someone else: try again`;
