import { beforeEach, describe, expect, it } from "vitest";
import { KeyIndex } from "../../../src/agent/key-index.ts";
import type { Change } from "../../../src/protocol/message.ts";

let now: number;
let index: Map<string, string>;
let asked: string[];
/** What a query takes, in milliseconds of the clock. */
let takes: number[];
let keys: KeyIndex;

beforeEach(() => {
  now = 10_000;
  index = new Map([["k", "a"]]);
  asked = [];
  takes = [];
  keys = new KeyIndex({
    query: (key) => {
      asked.push(key);
      now += takes.shift() ?? 0;
      return Promise.resolve(index.get(key));
    },
    clock: () => now,
    loadBudgetMs: 5_000,
    missingKeyTtlMs: 1_000,
    maxEntries: 3,
  });
});

const change = (appId: string, all: string[], current?: string): Change => ({
  appId,
  type: "updated",
  keys: all,
  changed: [],
  key: current,
});

describe("a key", () => {
  it("is asked for each time, until somebody has learnt it", async () => {
    expect(await keys.query("k")).toBe("a");
    expect(keys.idOf("k")).toBeUndefined();
    keys.learn("k", "a");
    expect(keys.idOf("k")).toBe("a");
    expect(keys.queries).toBe(1);
  });

  it("that is unknown is missing for as long as that is believed, and not a moment longer", async () => {
    expect(await keys.query("none")).toBeUndefined();
    expect(keys.isMissing("none")).toBe(true);
    now += 1_000;
    expect(keys.isMissing("none")).toBe(true);
    now += 1;
    expect(keys.isMissing("none")).toBe(false);
    expect(keys.isMissing("never asked")).toBe(false);
  });

  it("that leads to no app, or to one that nobody asked for, is counted as such", async () => {
    await keys.query("none");
    keys.apply(change("b", ["b-key"], "b-key"), false);
    keys.learn("k", "a");
    expect(keys.unasked).toBe(2);
  });

  it("that is known is not missing", async () => {
    await keys.query("k");
    expect(keys.isMissing("k")).toBe(false);
  });

  it("whose answer is older than the budget is asked for again", async () => {
    takes = [5_001, 5_000];
    expect(await keys.query("k")).toBe("a");
    expect(asked).toEqual(["k", "k"]);
  });
});

describe("forgetting", () => {
  it("is of the app that the key leads to, and of no other", () => {
    keys.learn("k", "a");
    keys.forget("k", "b");
    expect(keys.idOf("k")).toBe("a");
    keys.forget("k", "a");
    expect(keys.idOf("k")).toBeUndefined();
  });

  it("a change takes all its keys away, and sets the current one", async () => {
    keys.learn("old", "a");
    keys.learn("taken", "b");
    await keys.query("new");
    keys.apply(change("a", ["new", "old", "taken"], "new"), false);
    expect(keys.isMissing("new")).toBe(false);
    expect(keys.idOf("new")).toBe("a");
    expect(keys.idOf("old")).toBeUndefined();
    expect(keys.idOf("taken")).toBe("b");
  });

  it("a change without a view sets none", () => {
    keys.learn("k", "a");
    keys.apply(change("a", ["k"]), true);
    expect(keys.idOf("k")).toBeUndefined();
  });

  it("a flush takes what is believed unknown, voids what is being asked, and leaves the known ones as hints", async () => {
    keys.learn("k", "a");
    await keys.query("none");
    const asking = keys.query("k");
    keys.flush();
    expect(keys.idOf("k")).toBe("a");
    expect(keys.isMissing("none")).toBe(false);
    await asking;
    expect(keys.voidedQueries).toBe(1);
    expect(keys.queries).toBe(3);
  });
});

describe("an app that is not asked for", () => {
  it("does not push out the keys that are in use, however many are written", () => {
    for (const id of ["a", "b", "c"]) keys.learn(`${id}-key`, id);
    for (let i = 0; i < 1_000; i += 1) keys.apply(change(`app-${i}`, [`key-${i}`], `key-${i}`), false);
    expect(["a", "b", "c"].map((id) => keys.idOf(`${id}-key`))).toEqual(["a", "b", "c"]);
    // The table's index may not have it yet.
    expect(keys.idOf("key-999")).toBe("app-999");
    now += 60_001;
    expect(keys.idOf("key-999")).toBeUndefined();
  });

  it("stays one when its key is forgotten or passes on to another", () => {
    keys.apply(change("a", ["k"], "k"), false);
    keys.apply(change("b", ["k"], "k"), false);
    keys.forget("k", "a");
    expect(keys.idOf("k")).toBe("b");
    keys.forget("k", "b");
    expect(keys.idOf("k")).toBeUndefined();
  });

  it.each([
    ["held", () => Promise.resolve(), true],
    [
      "known by another key",
      () => {
        keys.learn("old", "a");
        return Promise.resolve();
      },
      false,
    ],
    [
      "asked for by key, in vain",
      async () => {
        await keys.query("new");
      },
      false,
    ],
    [
      "being asked for by key",
      () => {
        void keys.query("new");
        return Promise.resolve();
      },
      false,
    ],
  ])("is none any more when it is %s", async (_what, prepare, isInUse) => {
    await prepare();
    keys.apply(change("a", ["old", "new"], "new"), isInUse);
    now += 3_600_000;
    expect(keys.idOf("new")).toBe("a");
  });
});
