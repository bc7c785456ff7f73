import { describe, expect, it } from "vitest";
import { BodyBudget } from "../../../../src/soketi/guards/body-budget.ts";

describe("BodyBudget", () => {
  const create = (limit: number) => {
    const budget = new BodyBudget<string>(() => limit);
    const dropped: string[] = [];
    return {
      budget,
      dropped,
      hold: (owner: string, bytes: number) => budget.hold(owner, bytes, () => dropped.push(owner)),
    };
  };

  it("has room up to its limit, and again for what is released", () => {
    const { budget, dropped, hold } = create(10);
    hold("a", 4);
    hold("b", 3);
    hold("a", 3);
    expect([budget.bytes, dropped]).toEqual([10, []]);
    budget.release("a");
    budget.release("a");
    budget.release("nobody");
    hold("c", 7);
    expect([budget.bytes, dropped]).toEqual([10, []]);
  });

  it("drops the largest over it, each once: who sends little always has room", () => {
    const { budget, dropped, hold } = create(10);
    hold("small", 2);
    hold("large", 5);
    hold("larger", 6);
    expect([budget.bytes, dropped]).toEqual([7, ["larger"]]);
    hold("event", 4);
    expect([budget.bytes, dropped]).toEqual([6, ["larger", "large"]]);
    hold("huge", 100);
    expect([budget.bytes, dropped]).toEqual([6, ["larger", "large", "huge"]]);
  });
});
