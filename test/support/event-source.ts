import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record as StreamRecord,
} from "@aws-sdk/client-dynamodb-streams";
import type { DynamoDBBatchResponse } from "aws-lambda";

type Handler = (event: unknown, context: unknown) => Promise<DynamoDBBatchResponse>;

/** Polls a real stream and invokes a handler with what AWS Lambda would hand it; failed batches come again. */
export interface EventSource {
  /** How many records the handler has been given with success. */
  readonly delivered: number;
  /** What the loop met; it goes on. */
  readonly errors: unknown[];
  stop(): Promise<void>;
}

const POLL_MS = 20;

/** Starts at the oldest record of each shard, as the deployed mapping does. */
export function startEventSource(endpoint: string, streamArn: string, handler: Handler): EventSource {
  const client = new DynamoDBStreamsClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  const source = { delivered: 0, errors: [] as unknown[] };
  const stopping = new AbortController();
  const running = pollShards();

  async function pollShards(): Promise<void> {
    const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn: streamArn }));
    await Promise.all((StreamDescription?.Shards ?? []).map(({ ShardId }) => pollShard(ShardId ?? "")));
  }

  async function pollShard(shardId: string): Promise<void> {
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({
        StreamArn: streamArn,
        ShardId: shardId,
        ShardIteratorType: "TRIM_HORIZON",
      }),
    );
    for (let iterator = ShardIterator; iterator !== undefined && !stopping.signal.aborted;) {
      const { Records = [], NextShardIterator } = await client.send(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: 100 }),
      );
      if (Records.length === 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      else await deliver(Records.map(awsRecord));
      iterator = NextShardIterator;
    }
  }

  async function deliver(records: { dynamodb: { SequenceNumber?: string | undefined } }[]): Promise<void> {
    for (let rest = records; rest.length > 0 && !stopping.signal.aborted;) {
      try {
        const { batchItemFailures } = await handler(
          { Records: rest },
          { getRemainingTimeInMillis: () => 30_000 },
        );
        const failed = rest.findIndex((record) =>
          batchItemFailures.some(({ itemIdentifier }) => itemIdentifier === record.dynamodb.SequenceNumber),
        );
        const done = batchItemFailures.length === 0 ? rest.length : Math.max(0, failed);
        source.delivered += done;
        rest = rest.slice(done);
      } catch (error) {
        source.errors.push(error);
      }
    }
  }

  return Object.assign(source, {
    async stop() {
      stopping.abort();
      await running;
      client.destroy();
    },
  });
}

/** AWS's own JSON: B in base64, the time in seconds. */
function awsRecord({ dynamodb, ...record }: StreamRecord) {
  const json = JSON.parse(JSON.stringify(dynamodb, base64)) as { SequenceNumber?: string };
  const seconds = Math.floor((dynamodb?.ApproximateCreationDateTime?.getTime() ?? 0) / 1000);
  return {
    ...record,
    awsRegion: "us-east-1",
    eventSource: "aws:dynamodb",
    dynamodb: { ...json, ApproximateCreationDateTime: seconds },
  };
}

function base64(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
