import type { BatchGetItemCommand } from "@aws-sdk/client-dynamodb";
import { type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBStreamsClient,
  GetShardIteratorCommand,
  TrimmedDataAccessException,
} from "@aws-sdk/client-dynamodb-streams";
import { describe, expect, it, vi } from "vitest";
import { createAppsReader } from "../../../src/aws/apps-reader.ts";
import { createStreamReader } from "../../../src/aws/stream-reader.ts";
import { RangeGoneError } from "../../../src/pipeline/errors.ts";
import { image } from "../../factories/stream-event.ts";

/** What DynamoDB Local does not do: throttle, trim, and answer with empty pages. The rest is in test/real. */
const range = { streamArn: "arn", shardId: "shard-1", from: "100", to: "300" };

type Page = { readonly numbers: readonly number[]; readonly end?: true } | Error;

function streams(...pages: Page[]): DynamoDBStreamsClient {
  const send = (command: unknown) => {
    if (command instanceof GetShardIteratorCommand) return Promise.resolve({ ShardIterator: "first" });
    const page = pages.shift() ?? { numbers: [] };
    if (page instanceof Error) return Promise.reject(page);
    return Promise.resolve({
      Records: page.numbers.map((number) => ({ dynamodb: { SequenceNumber: String(number) } })),
      ...(page.end ? {} : { NextShardIterator: "next" }),
    });
  };
  return { send } as unknown as DynamoDBStreamsClient;
}

async function numbersOf(client: DynamoDBStreamsClient): Promise<number[]> {
  const found: number[] = [];
  for await (const page of createStreamReader(client).read(range)) {
    for (const record of page as { dynamodb: { SequenceNumber: string } }[])
      found.push(Number(record.dynamodb.SequenceNumber));
  }
  return found;
}

describe("a range of the stream", () => {
  it("is read over empty pages, up to its last record and no further", async () => {
    const client = streams(
      { numbers: [] },
      { numbers: [100, 200] },
      { numbers: [] },
      { numbers: [300, 400] },
    );
    expect(await numbersOf(client)).toEqual([100, 200, 300]);
  });

  it("ends where a record stands that is after its last", async () => {
    expect(await numbersOf(streams({ numbers: [100, 400] }))).toEqual([100]);
  });

  it("without any record is gone: nothing was published, and nobody knows what was in it", async () => {
    const reading = numbersOf(streams({ numbers: [] }, { numbers: [400] }));
    await expect(reading).rejects.toThrow(RangeGoneError);
    await expect(reading).rejects.toThrow("shard-1 has no record from 100 to 300");
  });

  it.each([
    [
      "is trimmed",
      new TrimmedDataAccessException({ message: "trimmed", $metadata: {} }),
      /older than the stream keeps/,
    ],
    ["ends with its shard", { numbers: [200], end: true } as const, /shard-1 ends before 300/],
  ])("that %s is gone", async (_, page, message) => {
    const reading = numbersOf(streams({ numbers: [100] }, page));
    await expect(reading).rejects.toThrow(RangeGoneError);
    await expect(reading).rejects.toThrow(message);
  });

  it("whose end never comes is gone", async () => {
    vi.useFakeTimers();
    try {
      const reading = expect(numbersOf(streams({ numbers: [100] }))).rejects.toThrow(RangeGoneError);
      await vi.runAllTimersAsync();
      await reading;
    } finally {
      vi.useRealTimers();
    }
  });

  it("fails with any other error, for another try", async () => {
    await expect(numbersOf(streams(new Error("throttled")))).rejects.toThrow("throttled");
  });
});

describe("apps of the table", () => {
  interface Asked {
    readonly RequestItems: Record<
      string,
      { readonly Keys: { AppId: { S: string } }[]; ConsistentRead?: boolean }
    >;
  }

  /** @param perAnswer how many items DynamoDB gives before it leaves the rest for later. */
  function tables(perAnswer: number, asked: Asked[]): DynamoDBClient {
    const send = (command: BatchGetItemCommand) => {
      const input = command.input as Asked;
      asked.push(input);
      const keys = input.RequestItems.apps?.Keys ?? [];
      const rest = keys.slice(perAnswer);
      return Promise.resolve({
        Responses: { apps: keys.slice(0, perAnswer).map(({ AppId }) => image(AppId.S)) },
        UnprocessedKeys: rest.length === 0 ? {} : { apps: { Keys: rest, ConsistentRead: true } },
      });
    };
    return { send } as unknown as DynamoDBClient;
  }

  const ids = Array.from({ length: 250 }, (_, i) => `app-${i}`);

  it("are read by the hundred, consistently, each once, and what was left out is asked for again", async () => {
    const asked: Asked[] = [];
    const apps = await createAppsReader(tables(60, asked), "apps").read([...ids, "app-0"]);
    expect([...apps.keys()]).toEqual(ids);
    expect(asked.map(({ RequestItems }) => RequestItems.apps?.Keys.length)).toEqual([100, 40, 100, 40, 50]);
    expect(asked.every(({ RequestItems }) => RequestItems.apps?.ConsistentRead)).toBe(true);
  });

  it("that DynamoDB leaves out again and again make the read fail", async () => {
    vi.useFakeTimers();
    try {
      const reading = createAppsReader(tables(0, []), "apps").read(["app-0"]);
      const failed = expect(reading).rejects.toThrow(
        /expected to read 1 items of apps, .* 10 times: the table is throttled/,
      );
      await vi.runAllTimersAsync();
      await failed;
    } finally {
      vi.useRealTimers();
    }
  });
});
