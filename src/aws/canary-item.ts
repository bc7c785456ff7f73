import { randomBytes, randomUUID } from "node:crypto";
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { ConflictError } from "./errors.ts";

/** Says of an item that it is the canary's, and nobody's app: the canary overwrites no other. soketi does not read it. */
export const CANARY_ATTRIBUTE = "AppSyncCanary";

/**
 * The item that is written to see how long a change takes: a disabled app with a secret that nobody knows. Each write gives it a
 * new key, by which the pipeline's message of that very write is known, also when it is one of several in a batch.
 */
export interface CanaryItem {
  readonly appId: string;
  /** Gives the new key. @throws ConflictError when the item with that id is somebody's app. */
  write(): Promise<string>;
  /** Deletes it, when a write that is under way has ended; unless somebody else has written it since. */
  remove(): Promise<void>;
}

/** Whatever finds that the canary's id is another app's says so, and what to do. */
export function takenByAnother(appId: string): string {
  return `expected no app ${appId} but the canary's own, found another: set APP_SYNC_CANARY_APP to an unused id`;
}

export function createCanaryItem(client: DynamoDBClient, table: string, appId: string): CanaryItem {
  let last: string | undefined;
  let writing: Promise<unknown> | undefined;
  return {
    appId,
    async write() {
      const key = `${appId}-${randomUUID()}`;
      // Before it is known to be written: what failed may be written all the same.
      last = key;
      const put = new PutItemCommand({
        TableName: table,
        Item: {
          AppId: { S: appId },
          AppKey: { S: key },
          AppSecret: { S: randomBytes(24).toString("hex") },
          Enabled: { BOOL: false },
          [CANARY_ATTRIBUTE]: { BOOL: true },
        },
        ConditionExpression: "attribute_not_exists(AppId) OR #canary = :true",
        ExpressionAttributeNames: { "#canary": CANARY_ATTRIBUTE },
        ExpressionAttributeValues: { ":true": { BOOL: true } },
      });
      try {
        await (writing = client.send(put));
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        throw new ConflictError(takenByAnother(appId), { cause: error });
      }
      return key;
    },
    async remove() {
      if (last === undefined) return;
      // Its own write must not come after.
      await writing?.catch(() => undefined);
      const own = {
        TableName: table,
        Key: { AppId: { S: appId } },
        ConditionExpression: "AppKey = :key",
        ExpressionAttributeValues: { ":key": { S: last } },
      };
      try {
        await client.send(new DeleteItemCommand(own));
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}
