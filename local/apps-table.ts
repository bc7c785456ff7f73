import {
  type AttributeValue,
  type AttributeValueUpdate,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  type GlobalSecondaryIndex,
  PutItemCommand,
  ResourceInUseException,
  UpdateItemCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { KEY_INDEX } from "../src/app/key-query.ts";

/** A client of a local DynamoDB, which takes any credentials. */
export function localDynamoDb(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
}

/** Finds an app by its key, with all that an app's item holds. */
export const APP_KEY_INDEX = {
  IndexName: KEY_INDEX,
  KeySchema: [{ AttributeName: "AppKey", KeyType: "HASH" }],
  Projection: { ProjectionType: "ALL" },
} satisfies GlobalSecondaryIndex;

/** An apps table as soketi's documentation has it, with `AppId` as its hash key, and with the stream that this project reads. */
export function appsTableDefinition(table: string): CreateTableCommandInput {
  return {
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "AppId", AttributeType: "S" },
      { AttributeName: "AppKey", AttributeType: "S" },
    ],
    KeySchema: [{ AttributeName: "AppId", KeyType: "HASH" }],
    GlobalSecondaryIndexes: [APP_KEY_INDEX],
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
  };
}

/**
 * Creates an apps table.
 *
 * @returns the ARN of the stream.
 */
export async function createAppsTable(client: DynamoDBClient, table: string): Promise<string> {
  const { TableDescription } = await client.send(new CreateTableCommand(appsTableDefinition(table)));
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName: table });
  const arn = TableDescription?.LatestStreamArn;
  if (arn === undefined) throw new Error(`expected table ${table} to have a stream, found none`);
  return arn;
}

/** Items of an apps table, as attribute values. */
export interface AppsTable {
  readonly name: string;
  readonly streamArn: string;
  put(item: Item): Promise<void>;
  /** The item, read consistently. */
  get(appId: string): Promise<Item | undefined>;
  /** Sets some attributes of an existing item. */
  update(appId: string, attributes: Item): Promise<void>;
  delete(appId: string): Promise<void>;
}

export type Item = Record<string, AttributeValue>;

/** Plain values as attribute values: `5` is N, `"no"` is S, `false` is BOOL. */
export function marshalAttributes(attributes: Record<string, unknown>): Item {
  return marshall(attributes, { removeUndefinedValues: true });
}

/** Creates a table on a local DynamoDB, or takes the one that is there. */
export async function openAppsTable(endpoint: string, name: string): Promise<AppsTable> {
  const client = localDynamoDb(endpoint);
  let streamArn: string;
  try {
    streamArn = await createAppsTable(client, name);
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
    const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
    streamArn = Table?.LatestStreamArn ?? "";
  }
  const key = (appId: string) => ({ TableName: name, Key: { AppId: { S: appId } } });
  return {
    name,
    streamArn,
    async put(item) {
      await client.send(new PutItemCommand({ TableName: name, Item: item }));
    },
    async get(appId) {
      return (await client.send(new GetItemCommand({ ...key(appId), ConsistentRead: true }))).Item;
    },
    async update(appId, attributes) {
      const updates = Object.entries(attributes).map(([attribute, Value]): [string, AttributeValueUpdate] => [
        attribute,
        { Action: "PUT", Value },
      ]);
      await client.send(
        new UpdateItemCommand({ ...key(appId), AttributeUpdates: Object.fromEntries(updates) }),
      );
    },
    async delete(appId) {
      await client.send(new DeleteItemCommand(key(appId)));
    },
  };
}
