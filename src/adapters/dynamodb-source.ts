import { type DynamoDBClient, GetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { AppSource } from "../agent/ports.ts";
import type { App } from "../app/app.ts";
import { normalize, type Problem } from "../app/normalize.ts";

/**
 * Apps of a table, normalized, for programs that are not soketi. Rejects with the SDK's errors.
 *
 * @param onProblems told of each item that is read and has any.
 */
export function createDynamoDbSource(
  client: DynamoDBClient,
  table: string,
  onProblems: (appId: string, problems: readonly Problem[]) => void,
): AppSource<App> {
  return {
    async loadById(id) {
      const get = { TableName: table, Key: { AppId: { S: id } }, ConsistentRead: true };
      const { Item } = await client.send(new GetItemCommand(get));
      if (!Item) return undefined;
      const { app, problems } = normalize(Item);
      if (problems.length > 0) onProblems(id, problems);
      return app;
    },
    async resolveKey(key) {
      const query = {
        TableName: table,
        IndexName: "AppKeyIndex",
        KeyConditionExpression: "AppKey = :key",
        ExpressionAttributeValues: { ":key": { S: key } },
        Limit: 1,
      };
      const { Items } = await client.send(new QueryCommand(query));
      return Items?.[0]?.AppId?.S;
    },
  };
}
