import { beforeEach, describe, expect, it } from "vitest";
import { normalize } from "../../../src/app/normalize.ts";
import { type CacheFormat, SOCKUDO_FORMAT, SOKETI_FORMAT } from "../../../src/pipeline/cache-format.ts";
import type { AppCacheStore, AppsReader, CacheWrite } from "../../../src/pipeline/ports.ts";
import { SharedCache } from "../../../src/pipeline/shared-cache.ts";
import { decodeMessage } from "../../../src/protocol/message.ts";
import { RedisError } from "../../../src/redis/errors.ts";
import type { Checkpoints } from "../../../src/relay/checkpoints.ts";
import { takeRecords } from "../../../src/relay/take-records.ts";
import { FakeRedis } from "./fake-stream.ts";
import { silentReporter } from "../../support/silent-reporter.ts";

let redis: FakeRedis;
let checkpoints: Checkpoints;
let givenUp: string[];
let removed: string[];
let notRefreshed: string[];
/** Milliseconds that pass with each look at the clock. */
let step: number;
/** For each attempt. */
let remainingMs: number;

beforeEach(() => {
  redis = new FakeRedis();
  checkpoints = redis.checkpoints();
  givenUp = [];
  removed = [];
  notRefreshed = [];
  step = 0;
  remainingMs = 10_000;
});

const record = (seq: number, appId: string) => ({
  eventName: "INSERT",
  dynamodb: {
    SequenceNumber: String(seq),
    Keys: { AppId: { S: appId } },
    NewImage: { AppId: { S: appId }, AppKey: { S: `${appId}-key` }, AppSecret: { S: "s" } },
  },
});

/** @param write throws where it refuses. */
const storeOf = (
  format: CacheFormat,
  write: (write: CacheWrite) => void,
  beforeRemove: () => void = () => undefined,
): AppCacheStore => ({
  format,
  read: () => Promise.resolve([]),
  fences: () => Promise.resolve([]),
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws has to come as a rejection
  write: async (writes) => {
    const evicted = writes.filter(({ whosever }) => whosever);
    if (evicted.length > 0) beforeRemove();
    removed.push(...evicted.map(({ name }) => name));
    for (const one of writes) write(one);
    return writes.map(() => "done");
  },
  removeSame: () => Promise.resolve(0),
  readWhole: () => Promise.resolve(undefined),
  touch: () => Promise.resolve(),
  names: async function* () {
    yield await Promise.resolve([]);
  },
});

/** Refuses to write one app, or all of them. */
const cache = (refuses: (name: string) => boolean, beforeRemove?: () => void) =>
  new SharedCache({
    mode: "refresh",
    stores: [
      storeOf(
        SOKETI_FORMAT,
        ({ name, json }) => {
          if (json !== undefined && refuses(name)) throw new Error("it is poisoned");
        },
        beforeRemove,
      ),
    ],
  });

function take(records: readonly object[], sharedCache?: SharedCache, signal = new AbortController().signal) {
  let time = 0;
  return takeRecords(records, {
    shard: "s1",
    checkpoints,
    batch: () => ({
      report: {
        ...silentReporter,
        publishFailed: () => undefined,
        notRefreshed: (appIds, error) =>
          notRefreshed.push(`${appIds.join(",")} ${(error as Error | undefined)?.message}`),
      },
      sharedCache,
      table: "apps",
      now: Date.now,
      remainingMs: () => remainingMs,
    }),
    report: {
      recordGivenUp: (seq, error, instead) => givenUp.push(`${seq} ${(error as Error).message} ${instead}`),
    },
    signal,
    clock: () => (time += step),
    now: Date.now,
  });
}

const told = () =>
  redis.messages.flatMap((json) => {
    const decoded = decodeMessage(json);
    if (decoded.kind === "flush") return ["flush"];
    return decoded.kind === "changes"
      ? decoded.message.changes.map(({ appId, type }) => `${appId} ${type}`)
      : ["?"];
  });

describe("records of a shard", () => {
  it("are published, and the position is taken on with them", async () => {
    await take([record(1, "a"), record(2, "b")]);
    expect(told()).toEqual(["a created", "b created"]);
    expect(redis.shards).toEqual({ s1: "2" });
  });

  it("in which nothing has changed take the position on all the same", async () => {
    const { dynamodb } = record(1, "a");
    await take([{ eventName: "MODIFY", dynamodb: { ...dynamodb, OldImage: dynamodb.NewImage } }]);
    expect(redis.messages).toEqual([]);
    expect(redis.shards).toEqual({ s1: "1" });
  });

  it("are tried again while Redis does not take them, however long that is", async () => {
    step = 3_600_000;
    redis.failures.push(
      new RedisError("append the messages", new Error("OOM")),
      new RedisError("x", new Error("READONLY")),
    );
    await take([record(1, "a"), record(2, "b")]);
    expect(told()).toEqual(["a created", "b created"]);
    expect(givenUp).toEqual([]);
  });

  it("are left as they are once another relay has taken over", async () => {
    redis.token = "2 b";
    await expect(take([record(1, "a")])).rejects.toMatchObject({ code: "FENCED" });
    expect(redis.messages).toEqual([]);
  });

  it("are left between two attempts when the relay ends", async () => {
    const ending = new AbortController();
    redis.failures.push(new RedisError("append the messages", new Error("OOM")));
    const taking = take([record(1, "a")], undefined, ending.signal);
    ending.abort();
    await taking;
    expect(redis.shards).toEqual({});
  });
});

describe("a record that fails by itself", () => {
  it("is found, tried for a minute, and makes its app be invalidated; the others go their way, in order", async () => {
    step = 40_000;
    await take(
      ["a", "b", "bad", "c", "d"].map((appId, i) => record(i + 1, appId)),
      cache((name) => name === "bad"),
    );
    expect(told()).toEqual(["a created", "b created", "bad updated", "c created", "d created"]);
    expect(givenUp).toEqual(["3 it is poisoned invalidation"]);
    expect(removed).toEqual(["bad", "bad-key"]);
    expect(redis.shards).toEqual({ s1: "5" });
  });

  it("is done when it works after all", async () => {
    step = 1;
    let left = 3;
    await take(
      [record(1, "a")],
      cache(() => left-- > 0),
    );
    expect([told(), givenUp, removed]).toEqual([["a created"], [], []]);
  });

  it("has its minute, also behind another one", async () => {
    step = 20_000;
    const tries: Record<string, number> = { first: 0, second: 0 };
    await take(
      [record(1, "first"), record(2, "second")],
      cache((name) => {
        tries[name] = (tries[name] ?? 0) + 1;
        return name in tries;
      }),
    );
    expect(givenUp).toEqual(["1 it is poisoned invalidation", "2 it is poisoned invalidation"]);
    // Together once, by itself at 20, 40 and 60 s.
    expect(tries.second).toBeGreaterThanOrEqual(3);
  });

  it("is not tried without a pause while nothing can be published instead of it", async () => {
    step = 40_000;
    const ending = new AbortController();
    let tries = 0;
    const poisoned = cache(
      () => {
        tries += 1;
        if (tries > 100) ending.abort();
        return true;
      },
      () => {
        redis.failures.push(new Error("too strange"), new RedisError("x", new Error("OOM")));
        // Nothing else in the process has its turn until there is a pause.
        setImmediate(() => ending.abort());
      },
    );
    await take([record(1, "a")], poisoned, ending.signal);
    expect(tries).toBe(2);
    expect(redis.shards).toEqual({});
  });

  it("whose app cannot be told either makes everything be flushed, as soon as Redis takes that", async () => {
    step = 40_000;
    // The invalidation is refused, and the first flush.
    const refuse = () => redis.failures.push(new Error("too strange"), new RedisError("x", new Error("OOM")));
    let times = 0;
    const poisoned = cache(
      () => true,
      () => {
        times += 1;
        if (times === 1) refuse();
        else redis.failures.push(new Error("too strange"));
      },
    );
    await take([record(1, "a")], poisoned);
    expect(told()).toEqual(["flush"]);
    expect(givenUp).toEqual(["1 it is poisoned flush"]);
    expect(redis.shards).toEqual({ s1: "1" });
  });
});

describe("a record that fails by itself, where servers read no table themselves", () => {
  let entries: Map<string, string>;

  /** Refuses what the record says; what the table says is another matter. */
  const sockudo = (read: AppsReader["read"]) =>
    new SharedCache({
      mode: "refresh",
      stores: [storeOf(SOCKUDO_FORMAT, writeOne)],
      table: { read, readItems: unused, pages: unused },
    });
  function writeOne({ name, json, fence }: CacheWrite) {
    if (fence.kind === "record") throw new Error("it is poisoned");
    if (json === undefined) entries.delete(name);
    else entries.set(name, json);
  }
  const unused = () => {
    throw new Error("expected only apps to be read");
  };

  beforeEach(() => {
    step = 40_000;
    entries = new Map([
      ["id:bad", "as it was"],
      ["key:bad-key", "as it was"],
    ]);
  });

  it("has its app written as the table has it, and its former key removed", async () => {
    const { app: found } = normalize({ ...record(1, "bad").dynamodb.NewImage, AppKey: { S: "k2" } });
    if (!found) throw new Error("expected an app");
    await take(
      [record(1, "bad")],
      sockudo(() => Promise.resolve(new Map([["bad", found]]))),
    );
    const json = SOCKUDO_FORMAT.json(found);
    expect(Object.fromEntries(entries)).toEqual({ "id:bad": json, "key:k2": json });
    expect([removed, notRefreshed]).toEqual([[], []]);
    expect(givenUp).toEqual(["1 it is poisoned invalidation"]);
  });

  it("leaves its app there when the table fails or does not answer, and says so", async () => {
    const before = new Map(entries);
    await take(
      [record(1, "bad")],
      sockudo(() => Promise.reject(new Error("throttled"))),
    );
    remainingMs = 510;
    await take(
      [record(2, "bad")],
      sockudo(() => new Promise(() => undefined)),
    );
    expect(entries).toEqual(before);
    expect(notRefreshed).toEqual([
      "bad throttled",
      "bad expected the shared cache to be updated within 0.51 s, found it did not happen",
    ]);
    expect(told()).toEqual(["bad updated", "bad updated"]);
    expect(redis.shards).toEqual({ s1: "2" });
  });
});
