import { expect, it } from "vitest";
import { keyQuery } from "../../../src/app/key-query.ts";

it("asks soketi's index for the apps with one key", () => {
  expect(keyQuery("apps", "acme-key")).toStrictEqual({
    TableName: "apps",
    IndexName: "AppKeyIndex",
    ScanIndexForward: false,
    KeyConditionExpression: "AppKey = :key",
    ExpressionAttributeValues: { ":key": { S: "acme-key" } },
  });
});
