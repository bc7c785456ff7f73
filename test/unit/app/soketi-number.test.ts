import { describe, expect, it } from "vitest";
import { MAX_DEPTH } from "../../../src/app/read-attribute.ts";
import { soketiNumber } from "../../../src/app/soketi-number.ts";

const bytes = (text: string) => ({ B: new TextEncoder().encode(text) });

/** A value inside so many lists. */
function within(depth: number, value: unknown): unknown {
  return depth === 0 ? value : { L: [within(depth - 1, value)] };
}

describe("the number that soketi finds", () => {
  it.each([
    ["digits at the beginning", { S: "12 a second" }, 12],
    ["digits after a zero and an x", { S: "0x10" }, 16],
    ["a number", { N: "1.5e3" }, 1500],
    ["bytes", bytes("7 MB"), 7],
    ["the first of a list", { L: [{ S: "5" }, { S: "6" }] }, 5],
    ["the first of a list in a list", within(2, { N: "8" }), 8],
    ["the deepest that is looked at", within(MAX_DEPTH - 1, { N: "9" }), 9],
    ["deeper than that", within(MAX_DEPTH, { N: "9" }), Number.NaN],
    ["a list without end", endless(), Number.NaN],
    ["an empty list", { L: [] }, Number.NaN],
    ["a map, whatever is in it", { M: [{ S: "5" }] }, Number.NaN],
    ["a list that is none", { L: "5" }, Number.NaN],
    ["a list that is nothing", { L: null }, Number.NaN],
    ["a text that is a number", { S: 5 }, Number.NaN],
    ["bytes that are none", { B: 5 }, Number.NaN],
    ["no digits", { S: "many" }, Number.NaN],
    ["a value of no type", {}, Number.NaN],
    ["nothing", undefined, Number.NaN],
  ])("in %s", (_what, value, number) => {
    expect(soketiNumber(value, false)).toBe(number);
  });

  it("keeps its fraction where soketi does", () => {
    expect(soketiNumber({ S: "1.5 kB" }, true)).toBe(1.5);
    expect(soketiNumber({ S: "1.5 kB" }, false)).toBe(1);
  });

  it("is none in what throws when it is read", () => {
    const throwing = {
      get S(): string {
        throw new Error("unreadable");
      },
    };
    expect(soketiNumber(throwing, false)).toBeNaN();
  });
});

function endless(): unknown {
  const list: { L: unknown[] } = { L: [] };
  list.L.push(list);
  return list;
}
