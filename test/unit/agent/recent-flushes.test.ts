import { describe, expect, it } from "vitest";
import { RecentFlushes } from "../../../src/agent/recent-flushes.ts";

describe("RecentFlushes", () => {
  it("tells why and how long ago, the oldest first, and of the last sixteen only", () => {
    let now = 0;
    const flushes = new RecentFlushes(() => now);
    expect(flushes.list()).toEqual([]);
    flushes.add("first-sync");
    now = 1_000.4;
    flushes.add("requested");
    now = 1_500;
    expect(flushes.list()).toEqual([
      ["first-sync", 1_500],
      ["requested", 500],
    ]);
    for (let i = 0; i < 15; i += 1) flushes.add("log-trimmed");
    expect(flushes.list()).toHaveLength(16);
    expect(flushes.list()[0]).toEqual(["requested", 500]);
  });
});
