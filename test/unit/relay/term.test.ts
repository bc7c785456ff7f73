import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  IteratorExpiredError,
  NoStreamError,
  RecordsTrimmedError,
  StreamGoneError,
  StreamUnreachableError,
} from "../../../src/aws/errors.ts";
import { END } from "../../../src/relay/shards.ts";
import { runTerm } from "../../../src/relay/term.ts";
import { contextOf, FakeRedis, FakeStream, throttled } from "./fake-stream.ts";

let stream: FakeStream;
let redis: FakeRedis;
let taken: string[];
let reported: string[];
let ending: AbortController;
let running: Promise<void>;

beforeEach(() => {
  stream = new FakeStream();
  redis = new FakeRedis();
  taken = [];
  stream.open("s1");
});

afterEach(async () => {
  ending.abort();
  await running.catch(() => undefined);
});

function run(change: (made: ReturnType<typeof contextOf>["context"]) => object = () => ({})): void {
  ending = new AbortController();
  const made = contextOf(stream, redis, taken);
  reported = made.reported;
  running = runTerm({ ...made.context, ...change(made.context), signal: ending.signal });
  // A test that expects it to fail waits for it; the others must not leave it unheard.
  running.catch(() => undefined);
}

async function end(): Promise<void> {
  ending.abort();
  await running;
}

const becomes = (read: () => unknown, value: unknown) => expect.poll(read, { interval: 2 }).toEqual(value);

describe("the first term", () => {
  it("flushes, reads from the oldest record on, and notes each shard", async () => {
    stream.write("s1", "a");
    stream.write("s1", "b");
    run();
    await becomes(() => taken, ["a 1", "b 2"]);
    expect(redis.flushes).toEqual(["the relay reads this stream for the first time"]);
    await becomes(() => redis.shards, { s1: "2" });
    expect(redis.positions.get("stream")).toBe(stream.arn);
  });

  it("is over with its signal, and the next one goes on where it ended, without a flush", async () => {
    stream.write("s1", "a");
    run();
    await becomes(() => redis.shards, { s1: "1" });
    await end();
    stream.write("s1", "b");
    run();
    await becomes(() => taken, ["a 1", "b 2"]);
    expect(redis.flushes).toHaveLength(1);
    expect(stream.iterators.at(-1)).toBe("s1 1");
  });
});

describe("shards that roll over", () => {
  it("are read in order: children after their parent, however early they are there", async () => {
    stream.write("s1", "a");
    stream.open("s2", "s1");
    stream.open("s3", "s1");
    stream.write("s2", "a");
    stream.write("s3", "b");
    run();
    await becomes(() => taken, ["a 1"]);
    stream.write("s1", "a");
    await becomes(() => taken, ["a 1", "a 4"]);
    stream.close("s1");
    await becomes(() => [...taken].sort(), ["a 1", "a 2", "a 4", "b 3"]);
    expect(taken.slice(0, 2)).toEqual(["a 1", "a 4"]);
    expect(redis.shards).toMatchObject({ s1: END });
  });

  it("are followed from generation to generation, and forgotten when the stream forgets them", async () => {
    run();
    for (let generation = 1; generation <= 5; generation += 1) {
      const seq = stream.write(`s${generation}`, "a");
      stream.open(`s${generation + 1}`, `s${generation}`);
      stream.close(`s${generation}`);
      await becomes(() => taken.at(-1), `a ${seq}`);
    }
    await becomes(() => redis.shards.s5, END);
    stream.shards.delete("s1");
    await becomes(() => "s1" in redis.shards, false);
    expect(reported.filter((line) => line.startsWith("lost"))).toEqual([]);
  });

  it("a shard that is gone before its end is a flush, once", async () => {
    stream.write("s1", "a");
    run();
    await becomes(() => redis.shards, { s1: "1" });
    stream.open("s2", "s1");
    stream.shards.delete("s1");
    const seq = stream.write("s2", "b");
    await becomes(() => taken.at(-1), `b ${seq}`);
    expect(reported).toContain("lost s1");
    expect(redis.flushes.filter((text) => text.includes("s1 is no longer in the stream"))).toHaveLength(1);
    expect("s1" in redis.shards).toBe(false);
  });

  it("a shard that is gone while it is being read: its children wait for it, and for the flush", async () => {
    let gone = (): void => undefined;
    let isAsked = false;
    let lists = 0;
    run((context) => ({
      stream: {
        ...context.stream,
        async read(iterator: string, signal: AbortSignal) {
          if (iterator !== "s1:1") return stream.api.read(iterator, signal);
          isAsked = true;
          await new Promise<void>((resolve) => (gone = resolve));
          throw new StreamGoneError("s1 is gone");
        },
        shards(arn: string, signal: AbortSignal) {
          lists += 1;
          return stream.api.shards(arn, signal);
        },
      },
    }));
    stream.write("s1", "a");
    await becomes(() => isAsked, true);
    stream.open("s2", "s1");
    const seq = stream.write("s2", "b");
    stream.shards.delete("s1");
    const before = lists;
    await expect.poll(() => lists, { interval: 2 }).toBeGreaterThan(before + 2);
    expect([taken, reported]).toEqual([["a 1"], ["begun: the relay reads this stream for the first time"]]);
    gone();
    await becomes(() => taken.at(-1), `b ${seq}`);
    expect(reported).toContain("lost s1");
  });
});

describe("what AWS says instead of records", () => {
  it("an iterator that has expired is looked up again, after the last record", async () => {
    stream.write("s1", "a");
    run();
    await becomes(() => redis.shards, { s1: "1" });
    stream.failures.push(new IteratorExpiredError("old"));
    stream.write("s1", "b");
    await becomes(() => taken, ["a 1", "b 2"]);
    expect(stream.iterators).toEqual(["s1 oldest", "s1 1"]);
  });

  it("records that are gone are a flush, and the oldest that are left are read; once may be the iterator alone", async () => {
    stream.write("s1", "a");
    run();
    await becomes(() => redis.shards, { s1: "1" });
    stream.failures.push(new RecordsTrimmedError("gone"));
    stream.write("s1", "b");
    await becomes(() => taken, ["a 1", "b 2"]);
    expect(redis.flushes).toHaveLength(1);
    stream.failures.push(new RecordsTrimmedError("gone"), new RecordsTrimmedError("gone"));
    stream.trim("s1", 2);
    stream.write("s1", "c");
    await becomes(() => taken.at(-1), "c 3");
    expect(redis.flushes).toEqual([expect.any(String), "stream records are lost: gone"]);
    expect(stream.iterators.at(-1)).toBe("s1 oldest");
  });

  it("too many requests, and no answer, are waited for", async () => {
    stream.write("s1", "a");
    stream.failures.push(throttled(), throttled(), new StreamUnreachableError("no answer"));
    run();
    await becomes(() => taken, ["a 1"]);
  });
});

describe("the table's stream", () => {
  it("that was switched off and on is another one: this term is over, and the next flushes and begins it", async () => {
    stream.write("s1", "a");
    run();
    await becomes(() => redis.shards, { s1: "1" });
    stream.arn = "arn:aws:dynamodb:eu-west-1:1:table/apps/stream/2";
    stream.shards.clear();
    stream.open("t1");
    await running;
    const seq = stream.write("t1", "b");
    run();
    await becomes(() => taken, ["a 1", `b ${seq}`]);
    expect(redis.flushes).toContain("the table has another stream than before");
    expect(redis.shards).toEqual({ t1: String(seq) });
  });

  it("that is off for now does not end what is read", async () => {
    let isOff = false;
    run((context) => ({
      stream: {
        ...context.stream,
        find: (signal: AbortSignal) =>
          isOff ? Promise.reject(new NoStreamError("the stream is off")) : stream.api.find(signal),
      },
    }));
    stream.write("s1", "a");
    await becomes(() => taken, ["a 1"]);
    isOff = true;
    await expect.poll(() => reported.join()).toContain("the stream is off");
    stream.write("s1", "b");
    await becomes(() => taken, ["a 1", "b 2"]);
  });

  it("that nobody has read for 20 hours is begun anew: what was trimmed since cannot be known", async () => {
    stream.write("s1", "a");
    run();
    await becomes(() => redis.shards, { s1: "1" });
    await end();
    redis.positions.set("current-at", String(Date.now() - 21 * 3_600_000));
    run();
    await becomes(() => redis.flushes.at(-1), "the stream was not read for too long");
    await becomes(() => taken, ["a 1", "a 1"]);
  });

  it("that this term could not read for 20 hours is begun anew as well, before anything of it is read", async () => {
    let hours = 0;
    const withHours: Parameters<typeof run>[0] = ({ stream: api }) => ({
      now: () => Date.now() + hours * 3_600_000,
      stream: {
        ...api,
        shards: (arn: string, signal: AbortSignal) =>
          hours === 1 ? Promise.reject(new StreamUnreachableError("no answer")) : api.shards(arn, signal),
      },
    });
    run(withHours);
    await becomes(() => redis.positions.has("current-at"), true);
    hours = 1;
    await expect.poll(() => reported.join()).toContain("no answer");
    // Of what was written and trimmed meanwhile nothing is left: neither the shard nor a position.
    stream.shards.clear();
    stream.open("s3", "s2");
    stream.write("s3", "c");
    hours = 30;
    await running;
    expect(taken).toEqual([]);
    run(withHours);
    await becomes(() => redis.flushes.at(-1), "the stream was not read for too long");
    await becomes(() => taken, ["c 1"]);
  });

  it("is noted as read to its end only while nothing is behind", async () => {
    run();
    await becomes(() => redis.positions.has("current-at"), true);
    const old = String(Date.now() - 3_600_000);
    await end();
    redis.positions.set("current-at", old);
    run();
    await expect.poll(() => Number(redis.positions.get("current-at"))).toBeGreaterThan(Number(old));
  });
});

describe("another relay that has taken over", () => {
  it("ends the term with FENCED, and nothing is written any more", async () => {
    run();
    await becomes(() => redis.flushes.length, 1);
    redis.token = "2 b";
    stream.write("s1", "a");
    await expect(running).rejects.toMatchObject({ code: "FENCED" });
    expect(redis.shards).toEqual({});
  });
});
