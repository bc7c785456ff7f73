import { describe, expect, it } from "vitest";
import type { Tail } from "../../../src/agent/ports.ts";
import { Ballot, type Verdict, type Vote } from "../../../src/redis/majority.ts";
import type { RedisClient } from "../../../src/redis/library.ts";
import { withReplicas } from "../../../src/redis/replicas.ts";
import { NO_WITNESSES, vouchedAppend, vouchedHeartbeat, type Witnesses } from "../../../src/redis/vouched.ts";

const vote = (voter: string, primary = "a:1", epoch = "1", more: Partial<Vote> = {}): Vote => ({
  voter,
  primary,
  epoch,
  voters: 3,
  ...more,
});

describe("a ballot", () => {
  it("is decided by more than half that name one server under one epoch", () => {
    const ballot = new Ballot(() => 3);
    expect(ballot.add(vote("1", "a:1", "1", { run: "r1" }))).toBe(undefined);
    expect(ballot.add(vote("2", "b:1"))).toBe(undefined);
    expect(ballot.describe()).toBe("of 3, 1 name a:1 in epoch 1, 1 name b:1 in epoch 1");
    expect(ballot.add(vote("3", "a:1", "1", { run: "r0" }))).toEqual({
      primary: "a:1",
      epoch: "1",
      runs: ["r1", "r0"],
    });
  });

  it("is not decided under two epochs, or by half", () => {
    const ballot = new Ballot(() => 3);
    for (const [voter, epoch] of ["1", "2", "3"].entries())
      expect(ballot.add(vote(`${voter}`, "a:1", epoch))).toBe(undefined);
    const even = new Ballot(() => 4);
    expect(even.add(vote("1", "a:1", "", { voters: 4 }))).toBe(undefined);
    expect(even.add(vote("2", "a:1", "", { voters: 4 }))).toBe(undefined);
    expect(even.describe()).toBe("of 4, 2 name a:1");
    expect(even.add(vote("3", "a:1", "", { voters: 4 }))).toBeDefined();
  });

  it("counts whoever is asked by two addresses once, and those that only others know of", () => {
    const ballot = new Ballot(() => 1);
    expect(ballot.add(vote("1", "a:1", "1", { voters: 3 }))).toBe(undefined);
    expect(ballot.add(vote("1", "a:1", "1", { voters: 3 }))).toBe(undefined);
    expect(ballot.add(vote("2", "a:1", "1", { voters: 2 }))).toBeDefined();
  });

  it("is not decided by one who knows of nobody else, while others are named in the settings", () => {
    expect(new Ballot(() => 3).add(vote("1", "a:1", "1", { voters: 1 }))).toBe(undefined);
    expect(new Ballot(() => 1).add(vote("1", "a:1", "1", { voters: 1 }))).toBeDefined();
    expect(new Ballot(() => 3).describe()).toBe("of 3, none has answered");
  });

  it("is decided by one who was named twice, once that is known", () => {
    let named = 2;
    const ballot = new Ballot(() => named);
    expect(ballot.add(vote("1", "a:1", "1", { voters: 1 }))).toBe(undefined);
    named = 1;
    expect(ballot.add(vote("1", "a:1", "1", { voters: 1 }))).toBeDefined();
    expect(ballot.describe()).toBe("of 1, 1 name a:1 in epoch 1");
  });
});

const verdict = (primary: string, epoch = "1"): Verdict => ({ primary, epoch, runs: [] });

/** Says one verdict after the other; the connection leads to server a. */
function witnesses(...verdicts: readonly (Verdict | Error)[]): Witnesses & { readonly log: string[] } {
  const left = [...verdicts];
  const log: string[] = [];
  return {
    ...NO_WITNESSES,
    log,
    ask() {
      log.push("asked");
      const next = left.length > 1 ? left.shift() : left[0];
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    names: ({ primary }, run) => Promise.resolve(primary === "a" && (run === undefined || run === "run-a")),
    replicated() {
      log.push("replicated");
      return Promise.resolve();
    },
  };
}

const TAIL: Tail = { server: "run-a/repl", run: "run-a", last: undefined };

describe("a heartbeat", () => {
  const beat = (from: Witnesses & { readonly log: string[] }, tail = TAIL) =>
    vouchedHeartbeat(() => {
      from.log.push("sent");
      return Promise.resolve(tail);
    }, from);

  it("counts under the epoch of the witnesses, who are asked after it was sent", async () => {
    const asked = witnesses(verdict("a", "7"));
    expect(await beat(asked)).toEqual({ ...TAIL, server: "run-a/repl/7" });
    expect(asked.log).toEqual(["sent", "asked", "replicated"]);
  });

  it.each([
    ["another server is named", witnesses(verdict("b")), TAIL],
    ["another one has answered", witnesses(verdict("a")), { ...TAIL, run: "run-b" }],
  ])("does not count when %s", async (_, from, tail) => {
    await expect(beat(from, tail)).rejects.toMatchObject({ code: "OTHER_PRIMARY" });
  });

  it("does not count when nobody can say, or too few replicas have it", async () => {
    const none = new Error("no majority");
    await expect(beat(witnesses(none))).rejects.toBe(none);
    const few = { ...witnesses(verdict("a")), replicated: () => Promise.reject(none) };
    await expect(beat(few)).rejects.toBe(none);
  });

  it("of a server that does not say who it is gets no identity by its epoch", async () => {
    expect(await beat(witnesses(verdict("a")), { server: undefined })).toEqual({ server: undefined });
  });

  it("counts as it is where there is nobody to ask", async () => {
    expect(await vouchedHeartbeat(() => Promise.resolve(TAIL), NO_WITNESSES)).toBe(TAIL);
  });
});

describe("an append", () => {
  const append = (from: Witnesses & { readonly log: string[] }) =>
    vouchedAppend(() => {
      from.log.push("appended");
      return Promise.resolve("1-1");
    }, from);

  it("counts when its server is named before and after", async () => {
    const asked = witnesses(verdict("a"));
    expect(await append(asked)).toBe("1-1");
    expect(asked.log).toEqual(["asked", "appended", "replicated", "asked"]);
  });

  it("is not made on a server that is not named", async () => {
    const asked = witnesses(verdict("b"));
    await expect(append(asked)).rejects.toMatchObject({ code: "OTHER_PRIMARY" });
    expect(asked.log).toEqual(["asked"]);
  });

  it.each([
    ["another server is named", verdict("b")],
    ["the same one is, in another epoch", verdict("a", "3")],
    ["nobody can say", new Error("no majority")],
  ])("does not count when %s afterwards", async (_, after) => {
    await expect(append(witnesses(verdict("a"), after))).rejects.toThrow();
  });

  it("does not count when its connection was made anew meanwhile", async () => {
    const sockets = [{}, {}];
    const other = { ...witnesses(verdict("a")), socket: () => sockets.shift() };
    await expect(append(other)).rejects.toMatchObject({ code: "OTHER_PRIMARY" });
  });
});

describe("an append that replicas must have", () => {
  it("counts on the socket of a connection that was given up before, once there is another", async () => {
    // As a function finds it that was frozen at once: the reconnect has not begun.
    const connection = {
      stream: { writable: false },
      ping() {
        this.stream = { writable: true };
        return Promise.resolve("PONG");
      },
      wait: () => Promise.resolve(1),
    };
    const witnessed = withReplicas(NO_WITNESSES, {
      connection: connection as unknown as RedisClient,
      minReplicas: 1,
      limitMs: 100,
    });
    const append = async () => {
      if (!connection.stream.writable) await connection.ping();
      return "1-1";
    };
    expect(await vouchedAppend(append, witnessed)).toBe("1-1");
  });
});
