import { expect, it } from "vitest";
import { checkLog } from "../../../src/cli/doctor/redis.ts";
import { busNames } from "../../../src/protocol/names.ts";
import { inspectLog } from "../../../src/redis/inspection.ts";
import type { RedisConnection } from "../../../src/redis/library.ts";

const names = busNames("{log}");

/** A log that somebody works on between any two questions. */
function busyLog(ids: number[], work: (ids: number[]) => void): RedisConnection {
  const rows = (seq: number | undefined) => (seq === undefined ? [] : [[`5-${seq}`, ["m", "{}"]]]);
  const answer = <T>(value: T): Promise<T> => {
    work(ids);
    return Promise.resolve(value);
  };
  const shape = () => {
    const [first = null] = rows(ids[0]);
    const [last = null] = rows(ids.at(-1));
    return ["length", ids.length, "last-generated-id", "5-9", "first-entry", first, "last-entry", last];
  };
  return {
    xrange: () => answer(rows(ids[0])),
    xrevrange: () => answer(rows(ids.at(-1))),
    xlen: () => answer(ids.length),
    xinfo: () => answer(shape()),
  } as unknown as RedisConnection;
}

const append = (ids: number[]) => void ids.push((ids.at(-1) ?? 0) + 1);
const trim = (ids: number[]) => void ids.shift();

it.each([
  ["appended to", append],
  ["trimmed", trim],
  [
    "both",
    (ids: number[]) => {
      append(ids);
      trim(ids);
    },
  ],
])("a log that is %s while it is looked at has no holes", async (_, work) => {
  const log = await inspectLog(busyLog([1, 2, 3, 4, 5], work), names);
  expect(log).toEqual({ length: 5, first: { epoch: 5, seq: 1 }, last: { epoch: 5, seq: 5 } });
  expect(checkLog("log", log).level).toBe("ok");
});

it("a hole is found in it all the same", async () => {
  const log = await inspectLog(busyLog([1, 2, 4, 5], append), names);
  expect(checkLog("log", log).found).toContain("has holes: 4 messages from 5-1 to 5-5");
});

it("one that is not there, and one that is empty, is none; anything else is told", async () => {
  const failing = (message: string) =>
    ({ xinfo: () => Promise.reject(new Error(message)) }) as unknown as RedisConnection;
  expect(await inspectLog(failing("ERR no such key"), names)).toBeUndefined();
  expect(
    await inspectLog(
      busyLog([], () => undefined),
      names,
    ),
  ).toBeUndefined();
  await expect(inspectLog(failing("WRONGTYPE Operation against a key"), names)).rejects.toMatchObject({
    code: "WRONGTYPE",
    doing: "read the log",
  });
});
