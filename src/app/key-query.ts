/** The index of the apps table that finds an app by its key. soketi has its name in its code. */
export const KEY_INDEX = "AppKeyIndex";

/**
 * The query for the ids of the apps with a key, for either version of AWS' SDK. The index is eventually consistent whatever
 * one asks for: the answer is a hint, to be checked against the app itself. Of several apps with the key soketi takes the last
 * one, where the index has an order (soketi 1.6.1, dist/app-managers/dynamodb-app-manager.js).
 */
export function keyQuery(table: string, key: string) {
  return {
    TableName: table,
    IndexName: KEY_INDEX,
    ScanIndexForward: false,
    KeyConditionExpression: "AppKey = :key",
    ExpressionAttributeValues: { ":key": { S: key } },
  };
}
