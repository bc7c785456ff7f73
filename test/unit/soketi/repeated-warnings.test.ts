import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RepeatedWarnings } from "../../../src/soketi/repeated-warnings.ts";

let lines: string[];
let warnings: RepeatedWarnings;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  const line = (text: string) => lines.push(text);
  warnings = new RepeatedWarnings({ success: line, warning: line, error: line });
});

afterEach(() => {
  vi.useRealTimers();
});

it("a failure is told at once, and again after 30 s, each kind by itself", () => {
  warnings.warn("a", "a1");
  warnings.warn("b", "b1");
  vi.advanceTimersByTime(29_999);
  warnings.warn("a", "a2");
  vi.advanceTimersByTime(1);
  warnings.warn("a", "a3");
  expect(lines).toEqual(["app-sync: a1", "app-sync: b1", "app-sync: a3"]);
});

it("a clock that is set back keeps nothing from being told", () => {
  warnings.warn("a", "a1");
  vi.setSystemTime(Date.now() - 3_600_000);
  vi.advanceTimersByTime(30_000);
  warnings.warn("a", "a2");
  expect(lines).toEqual(["app-sync: a1", "app-sync: a2"]);
});
