import { describe, expect, it } from "vitest";
import { gapBefore, lossBefore } from "../../../src/cli/tail/gaps.ts";

const T = 1_764_000_000_000;
const first = (seq: number, epoch = 5) => ({
  id: { epoch, seq },
  json: JSON.stringify({ v: 1, flush: "of the test", at: T }),
});

describe("what tail does not show", () => {
  it.each<[string, ReturnType<typeof first> | undefined, number | undefined, number, RegExp | undefined]>([
    ["nothing is new", undefined, 7, 0, undefined],
    ["the next one", first(8), 7, 0, undefined],
    ["one was trimmed", first(9), 7, 0, /^the log goes back to 5-9 only: 1 message before it is not shown$/],
    ["many were trimmed", first(100), 7, 0, /92 messages before it are not shown$/],
    ["another log", first(1, 6), 7, 0, /^the log was started again$/],
    ["all that there is", first(50), undefined, 0, undefined],
    ["a time that the log covers", first(50), undefined, T + 1, undefined],
    ["a whole log that begins later", first(1), undefined, T - 1, undefined],
    [
      "a trimmed log that begins later",
      first(50),
      undefined,
      T - 1,
      /5-50 only, of 2025-11-24T.*: what came before/,
    ],
  ])("%s", (_, entry, seq, oldest, words) => {
    const gap = gapBefore(entry, seq === undefined ? undefined : { epoch: 5, seq }, oldest);
    if (words) expect(gap).toMatch(words);
    else expect(gap).toBeUndefined();
  });
});

describe("a log that ends before what was read of it", () => {
  const at = (seq: number, epoch = 5) => ({ epoch, seq });

  it.each<[string, ReturnType<typeof at> | undefined, ReturnType<typeof at> | undefined, string | undefined]>(
    [
      ["goes on", at(8), at(7), undefined],
      ["has nothing new", at(7), at(7), undefined],
      ["was not read yet", at(7), undefined, undefined],
      ["is gone", undefined, at(7), undefined],
      ["was begun anew by a clock that is behind", at(9, 4), at(7), "the log was started again"],
      [
        "lost its end",
        at(5),
        at(7),
        "the log ends at 5-5, before 5-7: it lost its end, and what came in its place may not be shown",
      ],
    ],
  )("%s", (_, end, cursor, words) => {
    expect(lossBefore(end, cursor)).toBe(words);
  });
});
