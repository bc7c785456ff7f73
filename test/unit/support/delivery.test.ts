import { beforeEach, describe, expect, it } from "vitest";
import { deliver, type DeliveryOptions, type GivenUp } from "../../support/delivery.ts";
import { readableShards } from "../../support/shards.ts";

interface Numbered {
  readonly dynamodb: { readonly SequenceNumber: string };
}

const record = (number: number): Numbered => ({ dynamodb: { SequenceNumber: String(number) } });
const numbers = (records: readonly Numbered[]) =>
  records.map(({ dynamodb }) => Number(dynamodb.SequenceNumber));
const batch = [1, 2, 3, 4].map(record);

let invoked: number[][];
let done: number[];
let givenUp: GivenUp<Numbered>[];
let now: number;

beforeEach(() => {
  invoked = [];
  done = [];
  givenUp = [];
  now = 0;
});

/** @param answer of each invocation in turn, then success; an Error is thrown. */
function options(
  answers: unknown[],
  more: Partial<DeliveryOptions<Numbered>> = {},
): DeliveryOptions<Numbered> {
  return {
    invoke: (records) => {
      invoked.push(numbers(records));
      const answer = answers.shift() ?? { batchItemFailures: [] };
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    maximumRetryAttempts: -1,
    maximumRecordAgeMs: -1,
    bisectBatchOnFunctionError: false,
    maxBackoffMs: 1,
    ageMs: () => now,
    onDone: (records) => done.push(...numbers(records)),
    onGivenUp: (range) => givenUp.push(range),
    stopped: () => false,
    ...more,
  };
}

const failedAt = (...ids: unknown[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});

describe("a batch that the function", () => {
  it.each([[undefined], [null], [{}], [{ batchItemFailures: [] }], [{ batchItemFailures: null }]])(
    "answers with %j is done",
    async (answer) => {
      await deliver(batch, { ...options([]), invoke: () => Promise.resolve(answer) });
      expect(done).toEqual([1, 2, 3, 4]);
    },
  );

  it("fails from a record on comes again from there, in order: the lowest counts", async () => {
    await deliver(batch, options([failedAt("4", "3")]));
    expect(invoked).toEqual([
      [1, 2, 3, 4],
      [3, 4],
    ]);
    expect(done).toEqual([1, 2, 3, 4]);
  });

  it.each([
    [failedAt("")],
    [failedAt("99")],
    [failedAt(null)],
    [{ batchItemFailures: "x" }],
    [failedAt("3", "99")],
  ])("answers with %j failed as a whole", async (answer) => {
    await deliver(batch, options([answer]));
    expect(invoked).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
  });

  it("throws on is cut in two, which is not an attempt, until the bad record is alone and given up", async () => {
    const isBad = (records: readonly Numbered[]) => numbers(records).includes(3);
    const given = options([], { bisectBatchOnFunctionError: true, maximumRetryAttempts: 1 });
    await deliver(batch, {
      ...given,
      invoke: async (records) => {
        await given.invoke(records);
        if (isBad(records)) throw new Error("poison");
        return undefined;
      },
    });
    expect(invoked).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [4]]);
    expect(done).toEqual([1, 2, 4]);
    expect(givenUp).toMatchObject([
      { condition: "RetryAttemptsExhausted", records: [record(3)], attempts: 2 },
    ]);
  });

  it("fails for too long is given up where it is too old, and no later record with it", async () => {
    const ages = new Map([
      ["1", 100],
      ["2", 100],
      ["3", 10],
      ["4", 10],
    ]);
    const given = options([new Error("down")], {
      maximumRecordAgeMs: 50,
      ageMs: ({ dynamodb }) => (now === 0 ? 0 : (ages.get(dynamodb.SequenceNumber) ?? 0)),
    });
    await deliver(batch, {
      ...given,
      invoke: (records) => {
        now = 1;
        return given.invoke(records);
      },
    });
    expect(givenUp).toMatchObject([{ condition: "RecordAgeExceeded", records: [record(1), record(2)] }]);
    expect(invoked).toEqual([
      [1, 2, 3, 4],
      [3, 4],
    ]);
    expect(done).toEqual([3, 4]);
  });
});

describe("shards", () => {
  const shards = [
    { ShardId: "b", ParentShardId: "a" },
    { ShardId: "a" },
    { ShardId: "d", ParentShardId: "forgotten" },
  ];

  it("are read when their parents have ended, or are forgotten", () => {
    expect(readableShards(shards, new Set(), new Set())).toEqual(["a", "d"]);
    expect(readableShards(shards, new Set(["a", "d"]), new Set())).toEqual([]);
    expect(readableShards(shards, new Set(["a", "d"]), new Set(["a"]))).toEqual(["b"]);
  });
});
