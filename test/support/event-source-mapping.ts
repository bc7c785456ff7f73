import { setTimeout as pause } from "node:timers/promises";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type _Record as StreamRecord,
  TrimmedDataAccessException,
} from "@aws-sdk/client-dynamodb-streams";
import { deliver, type GivenUp } from "./delivery.ts";
import { readableShards } from "./shards.ts";

/** A function as Lambda calls it. */
export type MappedFunction = (
  event: { Records: readonly AwsRecord[] },
  context: LambdaContext,
) => Promise<unknown>;

export interface LambdaContext {
  getRemainingTimeInMillis(): number;
}

export interface MappingOptions {
  readonly endpoint: string;
  readonly streamArn: string;
  readonly handler: MappedFunction;
  /** Records of one invocation, at most. Default 100. */
  readonly batchSize?: number;
  /** Default -1: until the records are too old. */
  readonly maximumRetryAttempts?: number;
  /** Milliseconds, counted from when the record was first seen. Default -1: for ever. */
  readonly maximumRecordAgeMs?: number;
  readonly bisectBatchOnFunctionError?: boolean;
  /** Milliseconds. Default 30,000. What goes on after it is not waited for, as in a container that is frozen. */
  readonly functionTimeoutMs?: number;
  readonly maxBackoffMs?: number;
  /**
   * Between two looks at a shard that has nothing new. Milliseconds. Default 20; Lambda's own is 250. Who knows when the
   * table is written can look as rarely, and calls `wake`.
   */
  readonly pollMs?: number;
  /** Whether a batch that is done is delivered once more: delivery is at least once. */
  readonly again?: () => boolean;
  readonly onDone?: (records: readonly AwsRecord[]) => void;
  /** A message for the failure queue, as Lambda writes it. */
  readonly onFailure?: (body: string) => void;
}

export interface Mapping {
  /** Records that the function has taken, or that were given up. */
  readonly delivered: number;
  readonly invocations: number;
  /** Looks at once, and often until a record is there: the table was written once. */
  wake(): void;
  stop(): Promise<void>;
}

/** A record in Lambda's JSON: B in base64, the time in seconds. */
export interface AwsRecord {
  readonly eventSourceARN: string;
  readonly dynamodb: { readonly SequenceNumber: string; readonly [name: string]: unknown };
  readonly [name: string]: unknown;
}

const POLL_MS = 20;
/** While no shard is read. A child follows when its parent ends, which is looked for at once. */
const DESCRIBE_EVERY_MS = 500;
const DESCRIBE_WHILE_READING_MS = 5_000;
/** A record is in the stream within a fraction of it; a write that changes nothing leaves none. */
const AWAKE_MS = 1_000;

/**
 * Lambda's event source mapping on a real stream, as far as its contract goes: the emulator that the local stack has does
 * not know partial failures. Starts at the oldest record of each shard, as the deployed mapping does.
 */
export function startMapping(options: MappingOptions): Mapping {
  const client = new DynamoDBStreamsClient({
    endpoint: options.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  const mapping = { delivered: 0, invocations: 0 };
  const stopping = new AbortController();
  let waking = new AbortController();
  let awakeUntil = 0;
  /** Records that were announced, and not read yet. */
  let awaited = 0;
  const begun = new Set<string>();
  const ended = new Set<string>();
  const reading = new Set<Promise<void>>();
  const firstSeen = new Map<string, number>();
  const running = pollStream();

  async function pollStream(): Promise<void> {
    while (!stopping.signal.aborted) {
      const { StreamDescription } = await client.send(
        new DescribeStreamCommand({ StreamArn: options.streamArn }),
      );
      for (const shardId of readableShards(StreamDescription?.Shards ?? [], begun, ended)) {
        begun.add(shardId);
        const shard = pollShard(shardId).then(() => {
          ended.add(shardId);
          reading.delete(shard);
        });
        reading.add(shard);
      }
      await Promise.race([
        sleep(reading.size > 0 ? DESCRIBE_WHILE_READING_MS : DESCRIBE_EVERY_MS),
        ...reading,
      ]);
    }
    await Promise.all(reading);
  }

  async function pollShard(shardId: string): Promise<void> {
    let read: string | undefined;
    for (
      let iterator = await iteratorOf(shardId, read);
      iterator !== undefined && !stopping.signal.aborted;
    ) {
      const answer = await recordsAt(iterator);
      if (answer === undefined) {
        iterator = await iteratorOf(shardId, read);
        continue;
      }
      const { Records = [], NextShardIterator } = answer;
      read = Records.at(-1)?.dynamodb?.SequenceNumber ?? read;
      if (Records.length === 0) await nextLook();
      else
        await take(
          shardId,
          Records.map((record) => awsRecord(record, options.streamArn)),
        );
      iterator = NextShardIterator;
    }
  }

  /** After the record that was read last; from the oldest on, when there is none. */
  async function iteratorOf(shardId: string, read: string | undefined): Promise<string | undefined> {
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({
        StreamArn: options.streamArn,
        ShardId: shardId,
        ShardIteratorType: read === undefined ? "TRIM_HORIZON" : "AFTER_SEQUENCE_NUMBER",
        SequenceNumber: read,
      }),
    );
    return ShardIterator;
  }

  /** Undefined when the iterator is of no use any more. One of DynamoDB Local may be at once: a shard's oldest record moves. */
  async function recordsAt(iterator: string): Promise<GetRecordsCommandOutput | undefined> {
    try {
      return await client.send(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: options.batchSize ?? 100 }),
      );
    } catch (error) {
      if (error instanceof TrimmedDataAccessException) return undefined;
      throw error;
    }
  }

  async function take(shardId: string, records: readonly AwsRecord[]): Promise<void> {
    const now = performance.now();
    awaited = Math.max(0, awaited - records.length);
    for (const { dynamodb } of records) firstSeen.set(dynamodb.SequenceNumber, now);
    await deliver(records, {
      invoke,
      maximumRetryAttempts: options.maximumRetryAttempts ?? -1,
      maximumRecordAgeMs: options.maximumRecordAgeMs ?? -1,
      bisectBatchOnFunctionError: options.bisectBatchOnFunctionError ?? true,
      maxBackoffMs: options.maxBackoffMs ?? 200,
      ageMs: ({ dynamodb }) => performance.now() - (firstSeen.get(dynamodb.SequenceNumber) ?? 0),
      onDone: (done) => {
        mapping.delivered += done.length;
        options.onDone?.(done);
      },
      onGivenUp: (range) => {
        mapping.delivered += range.records.length;
        options.onFailure?.(failureMessage(shardId, options.streamArn, range));
      },
      stopped: () => stopping.signal.aborted,
    });
  }

  async function invoke(records: readonly AwsRecord[]): Promise<unknown> {
    const response = await invokeOnce(records);
    return options.again?.() ? invokeOnce(records) : response;
  }

  async function invokeOnce(records: readonly AwsRecord[]): Promise<unknown> {
    mapping.invocations += 1;
    const limit = options.functionTimeoutMs ?? 30_000;
    const until = performance.now() + limit;
    const timeout = new AbortController();
    const late = pause(limit, undefined, { signal: timeout.signal }).then(() => {
      throw new Error(`Task timed out after ${limit} ms`);
    });
    try {
      return await Promise.race([
        options.handler({ Records: records }, { getRemainingTimeInMillis: () => until - performance.now() }),
        late,
      ]);
    } finally {
      late.catch(() => undefined);
      timeout.abort();
    }
  }

  async function sleep(ms: number, signal = stopping.signal): Promise<void> {
    await pause(ms, undefined, { signal }).catch(() => undefined);
  }

  async function nextLook(): Promise<void> {
    const { pollMs = POLL_MS } = options;
    if (awaited > 0 && performance.now() < awakeUntil) return sleep(Math.min(pollMs, POLL_MS));
    await sleep(pollMs, AbortSignal.any([stopping.signal, waking.signal]));
  }

  return Object.assign(mapping, {
    wake() {
      const now = performance.now();
      awaited = now < awakeUntil ? awaited + 1 : 1;
      awakeUntil = now + AWAKE_MS;
      waking.abort();
      waking = new AbortController();
    },
    async stop() {
      stopping.abort();
      await running;
      client.destroy();
    },
  });
}

/** As in docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html: the range, not its records. */
function failureMessage(
  shardId: string,
  streamArn: string,
  { condition, records, attempts }: GivenUp<AwsRecord>,
): string {
  return JSON.stringify({
    requestContext: {
      requestId: "00000000-0000-0000-0000-000000000000",
      functionArn: "arn:aws:lambda:us-east-1:123456789012:function:soketi-app-sync-test-stream",
      condition,
      approximateInvokeCount: attempts,
    },
    responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    version: "1.0",
    timestamp: new Date().toISOString(),
    DDBStreamBatchInfo: {
      shardId,
      startSequenceNumber: records[0]?.dynamodb.SequenceNumber,
      endSequenceNumber: records.at(-1)?.dynamodb.SequenceNumber,
      approximateArrivalOfFirstRecord: new Date().toISOString(),
      approximateArrivalOfLastRecord: new Date().toISOString(),
      batchSize: records.length,
      streamArn,
    },
  });
}

function awsRecord({ dynamodb, ...record }: StreamRecord, eventSourceARN: string): AwsRecord {
  const json = JSON.parse(JSON.stringify(dynamodb ?? {}, base64)) as { SequenceNumber?: string };
  const seconds = Math.floor((dynamodb?.ApproximateCreationDateTime?.getTime() ?? 0) / 1000);
  return {
    ...record,
    awsRegion: "us-east-1",
    eventSource: "aws:dynamodb",
    eventSourceARN,
    dynamodb: { ...json, SequenceNumber: json.SequenceNumber ?? "", ApproximateCreationDateTime: seconds },
  };
}

function base64(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
