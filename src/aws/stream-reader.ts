import { DescribeTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ResourceNotFoundException,
  TrimmedDataAccessException,
  type _Record as StreamRecord,
} from "@aws-sdk/client-dynamodb-streams";
import type { FailedRange, StreamReader } from "../pipeline/ports.ts";
import { RangeGoneError } from "../pipeline/errors.ts";
import { NoStreamError } from "./errors.ts";

/** A page of an open shard may be empty although records follow. After so many in a row none will. */
const MAX_EMPTY_PAGES = 100;

/** Between two empty pages, in milliseconds: a shard may be read five times a second. */
const EMPTY_PAUSE_MS = 200;

/** Records of a page: Lambda's own largest batch would be 10,000, a page of the stream has 1,000 at most. */
const PAGE = 1_000;

export function createStreamReader(client: DynamoDBStreamsClient): StreamReader {
  return {
    async *read(range) {
      const last = BigInt(range.to);
      let iterator = await iteratorAt(client, range);
      let isFound = false;
      for (let empty = 0; empty < MAX_EMPTY_PAGES;) {
        const page = await recordsOf(client, iterator, range);
        const wanted = page.Records?.filter((record) => sequenceNumberOf(record) <= last) ?? [];
        if (wanted.length > 0) {
          isFound = true;
          yield wanted;
        }
        const reached = page.Records?.some((record) => sequenceNumberOf(record) >= last);
        if (reached && isFound) return;
        // A range names records that there were: of one without any, nobody can say that it was published.
        if (reached)
          throw new RangeGoneError(`${range.shardId} has no record from ${range.from} to ${range.to}`);
        if (page.NextShardIterator === undefined) break;
        iterator = page.NextShardIterator;
        if (page.Records?.length) empty = 0;
        else {
          empty += 1;
          await new Promise((resolve) => setTimeout(resolve, EMPTY_PAUSE_MS));
        }
      }
      throw new RangeGoneError(`${range.shardId} ends before ${range.to}`);
    },
  };
}

/** The ARN of the stream that a table has now. @throws NoStreamError when it has none. */
export async function findStream(client: DynamoDBClient, table: string): Promise<string> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
  if (Table?.LatestStreamArn !== undefined && Table.StreamSpecification?.StreamEnabled)
    return Table.LatestStreamArn;
  throw new NoStreamError(
    `expected table ${table} to have a stream, found none: enable it with NEW_AND_OLD_IMAGES`,
  );
}

async function iteratorAt(client: DynamoDBStreamsClient, range: FailedRange): Promise<string> {
  const { ShardIterator } = await orGone(
    range,
    client.send(
      new GetShardIteratorCommand({
        StreamArn: range.streamArn,
        ShardId: range.shardId,
        ShardIteratorType: "AT_SEQUENCE_NUMBER",
        SequenceNumber: range.from,
      }),
    ),
  );
  if (ShardIterator === undefined) throw new RangeGoneError(`${range.shardId} cannot be read`);
  return ShardIterator;
}

function recordsOf(client: DynamoDBStreamsClient, iterator: string, range: FailedRange) {
  return orGone(range, client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: PAGE })));
}

function sequenceNumberOf({ dynamodb }: StreamRecord): bigint {
  return BigInt(dynamodb?.SequenceNumber ?? 0);
}

async function orGone<T>(range: FailedRange, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof TrimmedDataAccessException) {
      throw new RangeGoneError(`${range.from} of ${range.shardId} is older than the stream keeps`, {
        cause: error,
      });
    }
    if (error instanceof ResourceNotFoundException) {
      throw new RangeGoneError(`${range.shardId} of ${range.streamArn} no longer exists`, {
        cause: error,
      });
    }
    throw error;
  }
}
