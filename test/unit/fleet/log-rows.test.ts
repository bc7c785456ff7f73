import { describe, expect, it } from "vitest";
import { ageOf, rowsOf } from "../../../src/fleet/log-rows.ts";

const T = 1_764_000_000_000;
const rows = (message: object | string) =>
  rowsOf({ id: { epoch: 5, seq: 7 }, json: typeof message === "string" ? message : JSON.stringify(message) });

describe("rowsOf", () => {
  it("gives a row for each change of a message, in their order", () => {
    const app = { id: "b", key: "b-key" };
    const found = rows({
      v: 1,
      table: "apps",
      at: T,
      changes: [
        { appId: "a", type: "deleted", keys: ["a-key"], changed: [] },
        { appId: "b", type: "updated", keys: ["b-key"], changed: ["secret"], writtenAt: T - 500, app },
      ],
    });
    expect(found).toEqual([
      { message: "5-7", at: T, appId: "a", type: "deleted", changed: [] },
      { message: "5-7", at: T, writtenAt: T - 500, appId: "b", type: "updated", changed: ["secret"], app },
    ]);
  });

  it("gives one row that names no app for a flush, with and without its time", () => {
    expect(rows({ v: 1, flush: "restored", at: T })).toEqual([
      { message: "5-7", at: T, type: "flush", reason: "restored" },
    ]);
    expect(rows({ v: 1, flush: "restored" })).toEqual([
      { message: "5-7", type: "flush", reason: "restored" },
    ]);
    expect(rows({ v: 1, flush: "restored", by: "alice" })).toMatchObject([
      { by: "alice", reason: "restored" },
    ]);
  });

  it("says why a message cannot be read", () => {
    expect(rows({ v: 9 })).toEqual([{ message: "5-7", type: "unsupported", reason: "version 9" }]);
    expect(rows("{")).toEqual([{ message: "5-7", type: "malformed", reason: "expected JSON" }]);
  });
});

describe("ageOf", () => {
  const row = { message: "5-7", type: "updated" } as const;

  it("counts from the write of the table, or else from the invocation", () => {
    expect(ageOf({ ...row, at: T - 100, writtenAt: T - 900 }, T)).toBe(900);
    expect(ageOf({ ...row, at: T - 100 }, T)).toBe(100);
  });

  it("is null where neither is known", () => {
    expect(ageOf(row, T)).toBeNull();
  });
});
