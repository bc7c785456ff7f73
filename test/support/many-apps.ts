import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import { type Item, localDynamoDb } from "../../local/apps-table.ts";

/** Items of one BatchWriteItem (AWS's limit). */
const BATCH = 25;

/** Requests under way at a time. */
const TOGETHER = 8;

/** Puts items into a table, without a condition, as fast as a local DynamoDB takes them. */
export async function putAll(endpoint: string, table: string, items: readonly Item[]): Promise<void> {
  const client = localDynamoDb(endpoint);
  const batches = Array.from({ length: Math.ceil(items.length / BATCH) }, (_, i) =>
    items.slice(i * BATCH, (i + 1) * BATCH),
  );
  const next = async (): Promise<void> => {
    for (let batch = batches.pop(); batch; batch = batches.pop()) {
      const puts = batch.map((one) => ({ PutRequest: { Item: one } }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }));
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, next));
  client.destroy();
}
