import { describe, expect, it } from "vitest";
import { bytesOf, own, textOf, typeOf } from "../../../src/app/attribute.ts";
import { readAttribute } from "../../../src/app/read-attribute.ts";

describe("own", () => {
  it.each([[undefined], [null], [5], ["length"], [true]])("of %s there is nothing", (owner) => {
    expect(own(owner, "length")).toBeUndefined();
  });

  it("takes what the object itself has", () => {
    expect(own({ a: 1 }, "a")).toBe(1);
    expect(own({ a: 1 }, "toString")).toBeUndefined();
  });
});

describe("typeOf", () => {
  it.each([[undefined], [null], [5], ["S"], [{}], [{ X: 1 }], [{ S: undefined }], [{ S: "a", N: "1" }]])(
    "%j has none",
    (value) => {
      expect(typeOf(value)).toBeUndefined();
    },
  );

  it("is the one that has a value", () => {
    expect(typeOf({ S: undefined, N: "1", X: 1 })).toBe("N");
  });
});

describe("bytesOf", () => {
  const bytes = Uint8Array.of(0, 255, 7);

  it.each([
    ["base64", Buffer.from(bytes).toString("base64")],
    ["bytes", bytes],
    ["a view into more", new Uint8Array([9, 0, 255, 7, 9]).subarray(1, 4)],
    ["another view", new DataView(bytes.buffer)],
    ["numbers", { 0: 0, 1: 255, 2: 7 }],
    ["a Buffer as JSON", { type: "Buffer", data: [0, 255, 7] }],
  ])("of %s", (_name, content) => {
    expect([...(bytesOf(content) ?? [])]).toEqual([0, 255, 7]);
  });

  it.each([
    [undefined],
    [null],
    [5],
    ["abc"],
    ["====abcd"],
    ["ab*="],
    ["!abc"],
    ["abc!"],
    ["a===bbbb"],
    [{ 0: 256 }],
    [{ 0: -1 }],
    [{ 0: 1.5 }],
    [{ 0: "1" }],
    [{ 1: 1 }],
    [{ 0: 1, 2: 1 }],
    [{ length: 3 }],
    [{ type: "Buffer" }],
    [{ type: "Buffer", data: null }],
    [{ type: "Buffer", data: 5 }],
  ])("%j are none", (content) => {
    expect(bytesOf(content)).toBeUndefined();
  });
});

describe("textOf", () => {
  it.each([["é 漢 \u{1F600}"], ["\ufffd"], [""], ["\ufeffbom"]])("gives %j back", (text) => {
    expect(textOf(Buffer.from(text))).toBe(text);
    expect(textOf(new Uint8Array(Buffer.from(text)))).toBe(text);
    // A view that is a part of its buffer only.
    const padded = new Uint8Array(Buffer.from(`x${text}x`));
    expect(textOf(padded.subarray(1, padded.length - 1))).toBe(text);
  });

  it.each([[Uint8Array.of(0xff)], [Uint8Array.of(0xc3)], [undefined], [5]])("%j is no text", (content) => {
    expect(textOf(content)).toBeUndefined();
  });
});

describe("readAttribute", () => {
  const throwing = {
    get a(): never {
      throw new Error("no");
    },
  };

  it("what cannot be read has a kind and a type", () => {
    const unknown = { kind: "unreadable", type: "nothing known" };
    expect(readAttribute(throwing, "a")).toEqual(unknown);
    expect(readAttribute({ a: {} }, "a")).toEqual(unknown);
    expect(readAttribute({ a: { S: 5 } }, "a")).toEqual({ kind: "unreadable", type: "S" });
    // Bytes are text in a B alone.
    expect(readAttribute({ a: { S: Buffer.from("s") } }, "a")).toEqual({ kind: "unreadable", type: "S" });
    expect(readAttribute({ a: { NULL: false } }, "a")).toEqual({ kind: "unreadable", type: "NULL" });
    expect(readAttribute({ a: { BOOL: "true" } }, "a")).toEqual({ kind: "unreadable", type: "BOOL" });
  });

  const listOf = (...elements: unknown[]) => readAttribute({ a: { L: elements } }, "a");

  it("elements of a list are plain data; what is none is undefined, and stops nothing", () => {
    expect(
      listOf(
        { S: "s" },
        { N: "5" },
        { N: "9007199254740991" },
        { N: "9007199254740993" },
        { N: "x" },
        { N: " " },
        { B: Buffer.from("b") },
        { B: "%" },
        { BOOL: false },
        { NULL: true },
        { NULL: false },
        { SS: ["a", "b"] },
        { NS: ["1"] },
        { BS: [Buffer.from("b")] },
        { SS: [1] },
        { S: 5 },
        { M: { a: { L: [{ N: "1" }] } } },
        { M: null },
        { M: 5 },
        {},
        null,
        5,
      ),
    ).toEqual({
      kind: "list",
      items: [
        "s",
        5,
        9_007_199_254_740_991,
        9007199254740992,
        undefined,
        undefined,
        "b",
        undefined,
        false,
        null,
        undefined,
        ["a", "b"],
        [1],
        ["b"],
        undefined,
        undefined,
        { a: [1] },
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
      ],
    });
  });

  it.each([
    ["L", (inner: unknown) => ({ L: [inner] })],
    ["M", (inner: unknown) => ({ M: { a: inner } })],
  ])("%s may be nested 32 levels deep, and no deeper", (_type, wrap) => {
    const nested = (levels: number) => {
      let value: unknown = { S: "x" };
      for (let level = 1; level < levels; level += 1) value = wrap(value);
      return value;
    };
    const [deep, deeper] = (listOf(nested(32), nested(33)) as unknown as { items: unknown[] }).items;
    expect(deep).toBeDefined();
    expect(deeper).toBeUndefined();
  });

  it("a set deep down counts as a level", () => {
    let value: unknown = { SS: ["x"] };
    for (let level = 1; level < 32; level += 1) value = { L: [value] };
    expect((listOf(value) as unknown as { items: unknown[] }).items).toEqual([undefined]);
  });
});
