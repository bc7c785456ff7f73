import { describe, expect, it } from "vitest";
import { watchLog } from "../../../src/fleet/watch-log.ts";
import type { LogEntry } from "../../../src/protocol/live.ts";

const changes = (ids: readonly string[], more: object = {}) =>
  JSON.stringify({
    v: 1,
    table: "apps",
    at: 1,
    ...more,
    changes: ids.map((appId) => ({ appId, type: "updated", keys: [`${appId}-key`], changed: ["secret"] })),
  });
const flush = JSON.stringify({ v: 1, flush: "records are lost", at: 1 });
const announcedFlush = JSON.stringify({ v: 1, flush: "to be sure", at: 1, by: "alice" });

/** A log of which more becomes known with each look, until nothing does. */
class FakeLog {
  readonly #log: LogEntry[] = [];
  readonly #looks: (readonly string[])[];

  /** @param before what is there when the watch begins. @param looks what each look finds besides. */
  constructor(before: readonly string[], ...looks: (readonly string[])[]) {
    this.append(before);
    this.#looks = looks;
  }

  append(messages: readonly string[]): void {
    for (const json of messages) this.#log.push({ id: { epoch: 5, seq: this.#log.length + 1 }, json });
  }

  tail = () => Promise.resolve(this.#log.at(-1)?.id);
  messages = (after?: { readonly seq: number }) => {
    this.append(this.#looks.shift() ?? []);
    return Promise.resolve(this.#log.slice(after?.seq ?? 0));
  };
}

/** Long enough for whatever a test expects to come, and over after one look. */
const patient = () => [performance.now(), 60_000] as const;
const hurried = () => [performance.now(), 0] as const;

describe("the message of all", () => {
  it("is the one with which the function has named the last of them, whoever was first", async () => {
    const log = new FakeLog([changes(["a", "b"])]);
    const watch = await watchLog(log, 1);
    log.append([changes(["b"]), changes(["x"])]);
    const found = watch.messageOfAll(["a", "b", "c"], ...patient());
    await Promise.resolve();
    log.append([changes(["c", "x"]), changes(["a"]), changes(["a", "b", "c"])]);
    expect(await found).toEqual({ epoch: 5, seq: 5 });
  });

  it("comes bit by bit, and each is looked at once", async () => {
    const log = new FakeLog([], [changes(["a"])], [], [changes(["b"])]);
    const watch = await watchLog(log, 1);
    expect(await watch.messageOfAll(["a", "b"], ...patient())).toEqual({ epoch: 5, seq: 2 });
  });

  it("is none that somebody has announced", async () => {
    const log = new FakeLog([], [changes(["a"], { by: "alice" }), announcedFlush]);
    const watch = await watchLog(log, 1);
    expect(await watch.messageOfAll(["a"], ...hurried())).toBeUndefined();
  });

  it("is a flush after the last write, which stands for them all", async () => {
    const log = new FakeLog([changes(["x"])], [changes(["a"]), flush, changes(["b"])]);
    const watch = await watchLog(log, 1);
    expect(await watch.messageOfAll(["a", "b"], ...patient())).toEqual({ epoch: 5, seq: 3 });
  });

  it("is no flush of between the writes, which knew nothing of the last", async () => {
    const log = new FakeLog([]);
    const watch = await watchLog(log, 1);
    log.append([changes(["a"]), flush]);
    expect(await watch.messageOfAll(["a", "b"], ...hurried())).toBeUndefined();
    const again = await watchLog(new FakeLog([flush]), 1);
    expect(await again.messageOfAll(["a"], ...hurried())).toBeUndefined();
  });

  it("is a flush also where the log has begun with it", async () => {
    const watch = await watchLog(new FakeLog([], [flush]), 1);
    expect(await watch.messageOfAll(["a"], ...patient())).toEqual({ epoch: 5, seq: 1 });
  });

  it("is none when none comes in time", async () => {
    const watch = await watchLog(new FakeLog([], [changes(["x"])]), 1);
    expect(await watch.messageOfAll(["a"], ...hurried())).toBeUndefined();
  });
});

describe("the message of one", () => {
  it.each<[string, string | undefined, readonly string[], number | undefined]>([
    ["names it", undefined, [changes(["x"]), changes(["x", "a"])], 2],
    ["is a flush, when it need not have a key", undefined, [flush, changes(["a"])], 1],
    ["is no flush, when it must have a key", "a-key", [flush, changes(["a"])], 2],
    ["is none with another key", "other", [changes(["a"])], undefined],
    ["is none that was announced", undefined, [changes(["a"], { by: "alice" })], undefined],
    ["is no flush that was announced", undefined, [announcedFlush, changes(["a"])], 2],
    ["is one that can be read", undefined, ["{", changes(["a"])], 1],
  ])("%s", async (_, key, messages, seq) => {
    const watch = await watchLog(new FakeLog([changes(["a"])], messages), 1);
    const found = await watch.messageOf("a", ...hurried(), key);
    expect(found?.seq).toBe(seq && seq + 1);
  });
});
