import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from "@aws-sdk/client-dynamodb-streams";

/** Records of a table's first shard. */
export interface StreamRange {
  readonly shardId: string;
  /** At least as many sequence numbers as were waited for, in order. */
  readonly numbers: readonly string[];
}

/** Waits until there are that many. */
export async function recordsOf(endpoint: string, streamArn: string, count: number): Promise<StreamRange> {
  const client = new DynamoDBStreamsClient({ endpoint, region: "us-east-1" });
  const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn: streamArn }));
  const shardId = StreamDescription?.Shards?.[0]?.ShardId ?? "";
  const numbers: string[] = [];
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({
      StreamArn: streamArn,
      ShardId: shardId,
      ShardIteratorType: "TRIM_HORIZON",
    }),
  );
  for (let iterator = ShardIterator; numbers.length < count;) {
    const { Records = [], NextShardIterator } = await client.send(
      new GetRecordsCommand({ ShardIterator: iterator }),
    );
    numbers.push(...Records.map(({ dynamodb }) => dynamodb?.SequenceNumber ?? ""));
    iterator = NextShardIterator;
  }
  client.destroy();
  return { shardId, numbers };
}
