import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { END, planShards, type Shard, START } from "../../../src/relay/shards.ts";

const NOTHING = new Set<string>();
const plan = (
  listed: readonly Shard[],
  positions: Record<string, string> = {},
  reading: ReadonlySet<string> = NOTHING,
) => planShards(listed, new Map(Object.entries(positions)), reading);

const PARENT = { id: "parent" };
const LEFT = { id: "left", parent: "parent" };
const RIGHT = { id: "right", parent: "parent" };

describe("which shards can be read", () => {
  it("a child only after its parent's end", () => {
    const tree = [RIGHT, PARENT, LEFT];
    expect(plan(tree).readable).toEqual([{ shard: "parent", from: START }]);
    expect(plan(tree, { parent: "17" }, new Set(["parent"])).readable).toEqual([]);
    expect(plan(tree, { parent: END }).readable.map(({ shard }) => shard)).toEqual(["right", "left"]);
  });

  it("from where each was left, and none twice", () => {
    expect(plan([PARENT, LEFT, RIGHT], { parent: END, left: "5" }, new Set(["right"])).readable).toEqual([
      { shard: "left", from: "5" },
    ]);
    expect(plan([PARENT, LEFT], { parent: END, left: END }).readable).toEqual([]);
  });

  it("a child whose parent the stream has forgotten", () => {
    expect(plan([LEFT]).readable).toEqual([{ shard: "left", from: START }]);
  });

  it("not a child whose parent the stream has forgotten while it is being read", () => {
    expect(plan([LEFT], { parent: "17" }, new Set(["parent"])).readable).toEqual([]);
    expect(plan([PARENT, LEFT], { parent: END }, new Set(["parent"])).readable).toEqual([]);
  });
});

describe("what is gone from the stream", () => {
  it("is lost when it was not read to its end, and forgotten when it was", () => {
    const { lost, forgotten } = plan([LEFT], { parent: "17", old: END, left: "5" });
    expect([lost, forgotten]).toEqual([["parent"], ["old"]]);
  });

  it("is neither while somebody reads it", () => {
    const { lost, forgotten } = plan([], { parent: "17" }, new Set(["parent"]));
    expect([lost, forgotten]).toEqual([[], []]);
  });
});

/** Shards that split or go on, as those of a table do, listed in any order. */
const trees = fc
  .array(fc.tuple(fc.nat(), fc.boolean()), { minLength: 1, maxLength: 30 })
  .map((draws) =>
    draws.map(([parent, isRoot], i): Shard => ({
      id: `s${i}`,
      parent: i === 0 || isRoot ? undefined : `s${parent % i}`,
    })),
  )
  .chain((shards) => fc.shuffledSubarray(shards, { minLength: shards.length }));

describe("any tree", () => {
  it("is read whole, each shard once and after its parent, whichever ends first", () => {
    fc.assert(
      fc.property(trees, fc.infiniteStream(fc.nat()), (tree, picks) => {
        const positions = new Map<string, string>();
        const reading = new Set<string>();
        const ended: string[] = [];
        for (;;) {
          for (const { shard } of planShards(tree, positions, reading).readable) {
            expect(reading.has(shard) || ended.includes(shard)).toBe(false);
            reading.add(shard);
          }
          const running = [...reading];
          const one = running[(picks.next().value as number) % running.length];
          if (one === undefined) break;
          reading.delete(one);
          positions.set(one, END);
          ended.push(one);
          const { parent } = tree.find(({ id }) => id === one) ?? {};
          if (parent !== undefined) expect(ended).toContain(parent);
        }
        expect([...ended].sort()).toEqual(tree.map(({ id }) => id).sort());
      }),
    );
  });
});
