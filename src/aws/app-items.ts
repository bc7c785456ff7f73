import {
  ConditionalCheckFailedException,
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
import { ConflictError } from "./errors.ts";
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
  return {
    async get(appId) {
      return (await client.send(new GetItemCommand({ ...keyOf(appId), ConsistentRead: true }))).Item;
    },

    async idsByKey(key) {
      const ids: string[] = [];
      for await (const { Items = [] } of paginateQuery({ client }, keyQuery(table, key))) {
        ids.push(...Items.flatMap(({ AppId }) => (AppId?.S === undefined ? [] : [AppId.S])));
      }
      return ids;
    },

    async create(item) {
      const put = { TableName: table, Item: item, ConditionExpression: "attribute_not_exists(AppId)" };
      await orConflict(
        client.send(new PutItemCommand(put)),
        `expected no app ${item.AppId?.S ?? ""}, found one: choose another id, or update it`,
      );
    },

    async change(appId, attributes, expected) {
      const expression = new Expression();
      const UpdateExpression = expression.update(attributes);
      const update = { ...keyOf(appId), UpdateExpression, ...expression.condition(expected) };
      await orConflict(client.send(new UpdateItemCommand(update)), changedMeanwhile(appId));
    },

    async delete(appId, expected) {
      const request = { ...keyOf(appId), ...new Expression().condition(expected) };
      await orConflict(client.send(new DeleteItemCommand(request)), changedMeanwhile(appId));
    },

    async *pages() {
      const scan = { TableName: table, ConsistentRead: true, Limit: PAGE_ITEMS };
      for await (const { Items = [] } of paginateScan({ client }, scan)) yield Items;
    },

    async estimate() {
      try {
        return (await client.send(new DescribeTableCommand({ TableName: table }))).Table?.ItemCount ?? 0;
      } catch (error) {
        // Who may read the items need not be allowed to count them.
        if ((error as Error).name === "AccessDeniedException") return 0;
        throw error;
      }
    },
  };
}

const changedMeanwhile = (appId: string) =>
  `expected app ${appId} unchanged since it was read, found it changed or deleted by someone else: try again`;

async function orConflict(answer: Promise<unknown>, message: string): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) throw new ConflictError(message, { cause: error });
    throw error;
  }
}
