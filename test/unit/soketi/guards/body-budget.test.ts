import { describe, expect, it } from "vitest";
import { BodyBudget } from "../../../../src/soketi/guards/body-budget.ts";

describe("BodyBudget", () => {
  const create = (limit: number) => {
    const budget = new BodyBudget<string>(() => limit);
    const dropped: string[] = [];
    const hold = (owner: string, bytes: number, isComplete: boolean) =>
      budget.hold(owner, { bytes, isComplete, drop: () => dropped.push(owner) });
    return {
      budget,
      dropped,
      coming: (owner: string, bytes: number) => hold(owner, bytes, false),
      complete: (owner: string, bytes: number) => hold(owner, bytes, true),
    };
  };

  it("has room up to its limit, and again for what is released", () => {
    const { budget, dropped, coming, complete } = create(10);
    coming("a", 4);
    coming("b", 3);
    coming("a", 7);
    expect([budget.bytes, dropped]).toEqual([10, []]);
    budget.release("a");
    budget.release("a");
    budget.release("nobody");
    complete("c", 7);
    expect([budget.bytes, dropped]).toEqual([10, []]);
    budget.release("c");
    complete("b", 2);
    expect([budget.bytes, dropped]).toEqual([2, []]);
  });

  it("drops what is still coming before what is complete, however large that is", () => {
    const { budget, dropped, coming, complete } = create(10);
    coming("slow", 9);
    complete("event", 10);
    expect([budget.bytes, dropped]).toEqual([10, ["slow"]]);
    coming("late", 1);
    expect([budget.bytes, dropped]).toEqual([10, ["slow", "late"]]);
  });

  it("drops the first of those that are still coming: many small ones that never end are in nobody's way", () => {
    const { budget, dropped, coming, complete } = create(10);
    for (let i = 0; i < 10; i += 1) coming(`idle-${i}`, 1);
    for (let bytes = 1; bytes <= 5; bytes += 1) coming("batch", bytes);
    complete("batch", 6);
    expect([budget.bytes, dropped]).toEqual([10, [0, 1, 2, 3, 4, 5].map((i) => `idle-${i}`)]);
  });

  it("drops the largest of complete ones, each once: who sends little always has room", () => {
    const { budget, dropped, complete } = create(10);
    complete("small", 2);
    complete("large", 5);
    complete("larger", 6);
    expect([budget.bytes, dropped]).toEqual([7, ["larger"]]);
    complete("event", 4);
    expect([budget.bytes, dropped]).toEqual([6, ["larger", "large"]]);
    complete("huge", 100);
    expect([budget.bytes, dropped]).toEqual([6, ["larger", "large", "huge"]]);
  });
});
