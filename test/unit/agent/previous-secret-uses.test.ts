import { beforeEach, describe, expect, it } from "vitest";
import { PreviousSecretUses } from "../../../src/agent/previous-secret-uses.ts";
import type { PreviousSecretUse } from "../../../src/protocol/node.ts";

const UNTIL = 2_000;
const HOUR_MS = 3_600_000;
/** As many as are named. */
const MAX_APPS = 1_000;

let now: number;
let told: PreviousSecretUse[];
let uses: PreviousSecretUses;

beforeEach(() => {
  now = UNTIL * 1_000 - 1;
  told = [];
  uses = new PreviousSecretUses({ now: () => now, onUsed: (use) => told.push(use) });
});

describe("an overlap", () => {
  it("ends with the second that is named, whenever the app was read", () => {
    expect(uses.count("a", UNTIL)).toBe(true);
    now += 1;
    expect(uses.count("a", UNTIL)).toBe(false);
    expect(uses.shown()).toEqual([
      {
        appId: "a",
        until: UNTIL,
        taken: 1,
        refused: 1,
        lastTakenAt: UNTIL * 1_000 - 1,
        lastRefusedAt: UNTIL * 1_000,
      },
    ]);
  });

  it("that was made longer is taken again", () => {
    now += 1;
    expect(uses.count("a", UNTIL)).toBe(false);
    expect(uses.count("a", UNTIL + 1)).toBe(true);
    expect(uses.shown()).toMatchObject([{ until: UNTIL + 1, taken: 1, refused: 1 }]);
  });
});

describe("what is told", () => {
  it("is the first use of an app's, and again what came to it once an hour", () => {
    const later = UNTIL + 10 * HOUR_MS;
    for (const at of [0, 1, HOUR_MS - 1, HOUR_MS, HOUR_MS + 1, 2 * HOUR_MS]) {
      now = at;
      uses.count("a", later);
    }
    expect(told.map(({ taken }) => taken)).toEqual([1, 4, 6]);
    uses.count("b", later);
    expect(told.at(-1)).toMatchObject({ appId: "b", taken: 1 });
  });
});

describe("counters", () => {
  it("never go down: apps of which there are too many are counted together", () => {
    for (let i = 0; i < 1_002; i += 1) uses.count(`app-${i}`, UNTIL);
    const taken = uses.counted("taken");
    expect(taken).toHaveLength(1_001);
    expect(taken.at(-1)).toEqual(["", 2]);
    expect(taken.reduce((sum, [, count]) => sum + count, 0)).toBe(1_002);
    expect(uses.counted("refused").every(([, count]) => count === 0)).toBe(true);
    // Told of it once more: what was known of it has gone.
    uses.count("app-0", UNTIL);
    expect(told.filter(({ appId }) => appId === "app-0")).toHaveLength(2);
  });

  it("are shown of the last twenty apps, and of the one that is asked for", () => {
    for (let i = 0; i < 30; i += 1) uses.count(`app-${i}`, UNTIL);
    const names = (asked?: string) => uses.shown(asked).map(({ appId }) => appId);
    expect(names()).toHaveLength(20);
    expect(names()[0]).toBe("app-29");
    expect(names("app-3")).toEqual([...names(), "app-3"]);
    expect(names("app-28")).toEqual(names());
    expect(names("unheard of")).toEqual(names());
  });
});

describe("those of too many apps to be named", () => {
  it("are counted together, taken and refused, and not at all while there are none", () => {
    expect(uses.counted("taken")).toEqual([]);
    uses.count("first", UNTIL);
    uses.count("second", UNTIL - 1);
    for (let i = 0; i < MAX_APPS - 2; i += 1) uses.count(`app-${i}`, UNTIL);
    const others = () => (["taken", "refused"] as const).map((what) => new Map(uses.counted(what)).get(""));
    expect(others()).toEqual([undefined, undefined]);
    uses.count("one more", UNTIL);
    expect(others()).toEqual([1, undefined]);
    uses.count("and another", UNTIL);
    expect(others()).toEqual([1, 1]);
    expect(uses.counted("taken").reduce((sum, [, taken]) => sum + taken, 0)).toBe(MAX_APPS + 1);
  });

  it("are added up over all that went", () => {
    for (const appId of ["first", "second", "third"]) uses.count(appId, now / 1_000);
    for (let i = 0; i < MAX_APPS + 3; i += 1) uses.count(`app-${i}`, UNTIL);
    expect(uses.counted("refused").at(-1)).toEqual(["", 3]);
    expect(uses.counted("taken").at(-1)).toEqual(["", 3]);
  });
});

describe("an app that is refused and then taken, with a longer overlap", () => {
  it("still shows when it was last refused", () => {
    now = UNTIL * 1_000;
    uses.count("a", UNTIL);
    now += 1;
    uses.count("a", UNTIL + 10);
    expect(uses.shown()).toMatchObject([{ lastRefusedAt: UNTIL * 1_000, lastTakenAt: now }]);
  });
});
