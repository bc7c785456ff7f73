import { describe, expect, it } from "vitest";
import { LiveSession } from "../../../src/agent/live-session.ts";

const id = (seq: number, epoch = 1) => ({ epoch, seq });
const entry = (seq: number) => ({ id: id(seq), json: String(seq) });

describe("a live session", () => {
  it("is new from its beginning until somebody says otherwise, and has a number of its own", () => {
    const session = new LiveSession();
    expect([session.isNew, session.takeWaiting()]).toEqual([false, []]);
    const before = session.number;
    session.begin("run");
    expect(session.isNew).toBe(true);
    expect(session.number).toBeGreaterThan(before);
  });

  it.each<[string | undefined, string | undefined, surely: boolean, elsewhere: boolean]>([
    ["a", "a", true, false],
    ["a", "b", false, true],
    ["a", undefined, false, false],
    [undefined, "a", false, false],
    [undefined, undefined, false, false],
  ])("of server %s, beside one of %s", (own, other, surely, elsewhere) => {
    const session = new LiveSession();
    session.begin(own);
    expect([session.isSurelyOn(other), session.isElsewhere(other)]).toEqual([surely, elsewhere]);
  });

  it("only goes up within an epoch; a doubt, or another beginning, forgets how far", () => {
    const session = new LiveSession();
    session.begin("a");
    expect([id(5), id(6), id(6), id(5), id(7), id(1, 2), id(1, 2)].map((one) => session.goesUp(one))).toEqual(
      [true, true, false, false, true, true, false],
    );
    const before = session.number;
    session.distrust();
    expect(session.number).toBeGreaterThan(before);
    expect(session.goesUp(id(1, 2))).toBe(true);
    session.begin("a");
    expect(session.goesUp(id(1, 2))).toBe(true);
  });

  it("keeps what waits, in order, up to 10,000; its end forgets it", () => {
    const session = new LiveSession();
    session.begin("a");
    expect(session.takeWaiting()).toEqual([]);
    for (let seq = 1; seq <= 10_001; seq += 1) session.wait(entry(seq));
    expect(session.takeWaiting().map(({ id: { seq } }) => seq)).toEqual(
      Array.from({ length: 10_000 }, (_, i) => i + 1),
    );
    expect(session.takeWaiting()).toEqual([]);
    session.wait(entry(1));
    session.end();
    expect(session.takeWaiting()).toEqual([]);
  });
});
