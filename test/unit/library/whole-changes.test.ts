import { expect, it } from "vitest";
import type { LogEntry } from "../../../src/protocol/live.ts";
import { encodeChanges, encodeFlush } from "../../../src/protocol/encode.ts";
import type { Change } from "../../../src/protocol/message.ts";
import { createWholeChanges } from "../../../src/library/whole-changes.ts";

const change = (appId: string): Change => ({
  appId,
  type: "updated",
  keys: ["k"],
  key: "k",
  changed: ["secret"],
});
const idOf = (seq: number) => ({ epoch: 1, seq });

function logOf(...messages: string[]) {
  const asked: string[] = [];
  let failing = false;
  const entries = messages.map((json, i): LogEntry => ({ id: idOf(i + 1), json }));
  return {
    asked,
    fail: (whether: boolean) => (failing = whether),
    read: createWholeChanges({
      read(after, last) {
        asked.push(`${after.seq}..${last.seq}`);
        if (failing) return Promise.reject(new Error("Redis is away"));
        return Promise.resolve(entries.filter(({ id }) => id.seq > after.seq && id.seq <= last.seq));
      },
    }),
  };
}

const whole = (...appIds: string[]) =>
  encodeChanges(appIds.map(change), { table: "apps", at: 1 }).map((message) => message.whole);

it("reads a change as it is in the log, and a message once for all its changes", async () => {
  const log = logOf(...whole("a", "b"), ...whole("c"));
  expect(await Promise.all([log.read(idOf(1), change("a")), log.read(idOf(1), change("b"))])).toEqual([
    change("a"),
    change("b"),
  ]);
  expect(await log.read(idOf(2), change("c"))).toEqual(change("c"));
  expect(log.asked).toEqual(["0..1", "1..2"]);
});

it("finds nothing where the log has it no more, or has something else there", async () => {
  const log = logOf(encodeFlush("x", 1).whole, "{", ...whole("a"));
  expect(await log.read(idOf(9), change("a"))).toBeUndefined();
  expect(await log.read(idOf(1), change("a"))).toBeUndefined();
  expect(await log.read(idOf(2), change("a"))).toBeUndefined();
  expect(await log.read(idOf(3), change("b"))).toBeUndefined();
});

it("tells an app that was deleted from the one that was created under its id", async () => {
  const both: Change[] = [
    { ...change("a"), type: "deleted", key: undefined, changed: [] },
    { ...change("a"), type: "created", keys: ["k2"], key: "k2", changed: [] },
  ];
  const log = logOf(...encodeChanges(both, { table: "apps", at: 1 }).map((message) => message.whole));
  for (const one of both) expect(await log.read(idOf(1), one)).toEqual(one);
});

it("asks again after a failure", async () => {
  const log = logOf(...whole("a"));
  log.fail(true);
  await expect(log.read(idOf(1), change("a"))).rejects.toThrow("Redis is away");
  log.fail(false);
  expect(await log.read(idOf(1), change("a"))).toEqual(change("a"));
});
