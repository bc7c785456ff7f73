import type { Version } from "./table.ts";

/** The record of a write, as DynamoDB's stream has it. @param number its place in the shard. @param now ms since 1970. */
export function streamRecord(before: Version, after: Version, number: number, now: number) {
  return {
    eventName: before.item ? (after.item ? "MODIFY" : "REMOVE") : "INSERT",
    dynamodb: {
      Keys: { AppId: { S: after.appId } },
      OldImage: before.item,
      NewImage: after.item,
      SequenceNumber: String(number),
      ApproximateCreationDateTime: Math.floor(now / 1_000),
    },
  };
}
