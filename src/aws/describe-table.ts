import {
  DescribeTableCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  ResourceNotFoundException,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import { KEY_INDEX } from "../app/key-query.ts";

/** A table as far as soketi and the pipeline depend on it. */
export interface TableShape {
  readonly status: string;
  /** About: AWS counts every six hours. */
  readonly items: number;
  /** Each key attribute with its type and role, such as `AppId S HASH`, separated by commas. */
  readonly key: string;
  /** AppKeyIndex; undefined when there is none. */
  readonly index: { readonly key: string; readonly status: string; readonly projection: string } | undefined;
  /** Undefined while the stream is off. */
  readonly streamArn: string | undefined;
  readonly viewType: string | undefined;
}

/** Undefined when there is no such table. Rejects with what DynamoDB says otherwise. */
export async function describeTable(client: DynamoDBClient, table: string): Promise<TableShape | undefined> {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    return Table && shapeOf(Table);
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

function shapeOf(table: TableDescription): TableShape {
  const types = new Map(
    table.AttributeDefinitions?.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
  const keyOf = (schema: KeySchemaElement[] = []) =>
    schema
      .map(({ AttributeName, KeyType }) => `${AttributeName} ${types.get(AttributeName)} ${KeyType}`)
      .join(", ");
  const index = table.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === KEY_INDEX);
  const { StreamEnabled, StreamViewType } = table.StreamSpecification ?? {};
  return {
    status: table.TableStatus ?? "unknown",
    items: table.ItemCount ?? 0,
    key: keyOf(table.KeySchema),
    index: index && {
      key: keyOf(index.KeySchema),
      status: index.IndexStatus ?? "unknown",
      projection: index.Projection?.ProjectionType ?? "none",
    },
    streamArn: StreamEnabled ? table.LatestStreamArn : undefined,
    viewType: StreamEnabled ? StreamViewType : undefined,
  };
}
