import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/app/app.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { ENCODINGS, IDENTITY } from "./fixtures.ts";

describe.each(LIMITS)("$attribute", ({ name, attribute, unset, fraction }) => {
  const unsetValue = unset === "unlimited" ? -1 : undefined;
  const limit = (value: unknown) => {
    const { app, problems } = normalize({ ...IDENTITY, [attribute]: value });
    if (unsetValue === undefined && app !== undefined && app.limits[name] === undefined) {
      expect(app.limits).not.toHaveProperty(name);
    }
    return { value: app?.limits[name], codes: problems.map(({ code }) => code) };
  };
  const zero = name === "maxConnections" ? ["max-connections-zero"] : [];

  it.each([["1"], ["250"], ["+7"], ["1e3"], ["1E+3"], ["12."], ["9007199254740991"]])("takes %s", (text) => {
    const expected = { value: Number(text), codes: [] };
    expect(limit({ N: text })).toEqual(expected);
    expect(limit({ S: text })).toEqual(expected);
    for (const { encode } of ENCODINGS) expect(limit({ B: encode(text) })).toEqual(expected);
  });
  it.each([["0"], ["-0"], ["0.0"]])("takes %s as 0", (text) => {
    expect(limit({ N: text })).toEqual({ value: 0, codes: zero });
  });
  it.each([["-1"], ["-0.5"], ["-100"], ["-1e999"]])("%s is unset, without a problem", (text) => {
    const expected = { value: unsetValue, codes: [] };
    expect(limit({ N: text })).toEqual(expected);
    expect(limit({ S: text })).toEqual(expected);
    for (const { encode } of ENCODINGS) expect(limit({ B: encode(text) })).toEqual(expected);
  });
  it.each([[undefined], [{ S: "" }], [{ N: "" }], [{ NULL: true }], [{ B: "" }]])("%j is unset", (value) => {
    expect(limit(value)).toEqual({ value: unsetValue, codes: [] });
  });
  it("a fraction", () => {
    expect(limit({ N: "2.9" })).toEqual(
      fraction ? { value: 2.9, codes: [] } : { value: 2, codes: ["limit-truncated"] },
    );
    expect(limit({ S: ".5" })).toEqual(
      fraction ? { value: 0.5, codes: [] } : { value: 0, codes: ["limit-truncated", ...zero] },
    );
  });
  it.each([["9007199254740993"], ["12345678901234567890.5"], ["1e21"], ["1e999"]])(
    "%s is too large",
    (text) => {
      expect(limit({ S: text })).toEqual({ value: Number.MAX_SAFE_INTEGER, codes: ["limit-too-large"] });
    },
  );
  it("white space around it", () => {
    expect(limit({ S: " 12\n" })).toEqual({ value: 12, codes: ["surrounding-space"] });
  });
  /** With what soketi's parseInt and parseFloat make of each; undefined: no number. */
  const unreadable: [unknown, number | undefined, number?][] = [
    [{ S: "5,000" }, 5],
    [{ S: "1_000" }, 1],
    [{ S: "12 kB" }, 12],
    [{ S: "0x10" }, 16, 0],
    [{ S: "2.5x" }, 2, 2.5],
    [{ B: Buffer.from("7 a second") }, 7],
    [{ B: new Uint8Array([0x37, 0xff]) }, 7],
    [{ L: [{ N: "1" }, { N: "2" }] }, 1],
    [{ L: [{ L: [{ S: "3 " }] }] }, 3],
    [{ L: [{ N: "1e21" }] }, 1, Number.MAX_SAFE_INTEGER],
    [{ N: "NaN" }, undefined],
    [{ S: "Infinity" }, undefined, Number.MAX_SAFE_INTEGER],
    [{ S: " " }, undefined],
    [{ S: "." }, undefined],
    [{ S: "e5" }, undefined],
    [{ N: 5 }, undefined],
    [{ BOOL: true }, undefined],
    [{ L: [] }, undefined],
    [{ L: [{ NULL: true }, { N: "1" }] }, undefined],
    [{ NS: ["1"] }, undefined],
    [{ M: { N: { N: "1" } } }, undefined],
    [{ B: new Uint8Array([0xff]) }, undefined],
    [{}, undefined],
    [5, undefined],
  ];
  /** soketi's rate limiters take NaN for 4. */
  const withoutNumber = name.endsWith("PerSecond") ? 4 : unsetValue;
  it.each(unreadable)("%j is what soketi finds in it, with a problem", (value, whole, number = whole) => {
    const found = fraction ? number : whole;
    const more = found === Number.MAX_SAFE_INTEGER ? ["limit-too-large"] : [];
    expect(limit(value)).toEqual({ value: found ?? withoutNumber, codes: ["limit-unreadable", ...more] });
  });
  it("-5 of something is unset, with a problem", () => {
    expect(limit({ S: "-5 x" })).toEqual({ value: unsetValue, codes: ["limit-unreadable"] });
  });
});
