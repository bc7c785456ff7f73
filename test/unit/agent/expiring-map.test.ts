import { beforeEach, describe, expect, it } from "vitest";
import { ExpiringMap } from "../../../src/agent/expiring-map.ts";

let now: number;
let map: ExpiringMap<number>;

beforeEach(() => {
  now = 1_000;
  map = new ExpiringMap({ clock: () => now, ttlMs: 100, maxBytes: 10_000 });
});

describe("an entry", () => {
  it("is there for its time, counted from when it is said to be, and no longer", () => {
    map.set("a", 1, 950);
    now = 1_050;
    expect([map.get("a"), map.has("a")]).toEqual([1, true]);
    now = 1_051;
    expect([map.get("a"), map.has("a"), map.size]).toEqual([undefined, false, 1]);
    map.sweep();
    expect(map.size).toBe(0);
  });

  it("set again begins anew", () => {
    map.set("a", 1, now);
    map.set("b", 2, now);
    now += 60;
    map.set("a", 3, now);
    now += 60;
    map.sweep();
    expect([map.get("a"), map.get("b"), map.size]).toEqual([3, undefined, 1]);
  });
});

describe("memory", () => {
  it("is bounded in bytes: the first goes first", () => {
    for (let i = 0; i < 1_000; i += 1) map.set(`${i}`.padEnd(2_048), i, now);
    expect(map.size).toBe(2);
    expect(map.get("999".padEnd(2_048))).toBe(999);
    for (let i = 0; i < 1_000; i += 1) map.set(`${i}`, i, now);
    expect(map.size).toBe(48);
  });

  it("is counted right, whatever is set again, deleted and cleared", () => {
    for (let round = 0; round < 100; round += 1) {
      map.set("a", round, now);
      map.set("b", round, now);
      map.delete("b");
      map.delete("b");
    }
    for (let i = 0; i < 20; i += 1) map.set(`${i}`, i, now);
    expect(map.size).toBe(21);
    map.clear();
    expect(map.size).toBe(0);
    for (let i = 0; i < 45; i += 1) map.set(`${i}`, i, now);
    expect(map.size).toBe(45);
  });

  it("holds nothing that is larger than all of it", () => {
    map.set("x".repeat(10_000), 1, now);
    expect(map.size).toBe(0);
  });
});
