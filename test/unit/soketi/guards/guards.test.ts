import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { readAgentConfig } from "../../../../src/config/agent.ts";
import { GUARDS } from "../../../../src/config/guards.ts";
import { isTooDeep } from "../../../../src/soketi/guards/depth.ts";
import { Guards } from "../../../../src/soketi/guards/guards.ts";
import { guardOutput } from "../../../../src/soketi/guards/output.ts";
import { createReporter } from "../../../../src/soketi/reporter.ts";

describe("Guards", () => {
  const guards = () => {
    const caught: (string | undefined)[][] = [];
    return { caught, guards: new Guards({ on: new Set(GUARDS), onCaught: (...args) => caught.push(args) }) };
  };

  it("tells what was thrown, but nothing that JSON.parse quotes", () => {
    const { caught, guards: all } = guards();
    expect(all.run("messages", "a message", () => JSON.parse("secret") as string)).toBeUndefined();
    all.run("messages", "a message", () => {
      throw new TypeError("x".repeat(1_000));
    });
    all.run("messages", "a message", () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      throw "secret";
    });
    expect(caught).toEqual([
      ["messages", "a message", "SyntaxError"],
      ["messages", "a message", `TypeError: ${"x".repeat(200)}`],
      ["messages", "a message", "something other than an error was thrown"],
    ]);
  });

  it("gives what there was, or something instead", async () => {
    const { guards: all } = guards();
    expect(await all.settle("drivers", "it", () => 1, 2)).toBe(1);
    expect(await all.settle("drivers", "it", () => Promise.reject(new Error("away")), 2)).toBe(2);
  });

  it("listen to the errors of the output", () => {
    const { caught, guards: all } = guards();
    const stream = new EventEmitter();
    guardOutput(all, [stream]);
    stream.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    expect(caught).toEqual([["output", "the reader of the log has gone", "Error: write EPIPE"]]);
  });
});

describe("isTooDeep", () => {
  const nested = (levels: number) =>
    JSON.parse(`${'{"a":['.repeat(levels / 2)}1${"]}".repeat(levels / 2)}`) as unknown;

  it("counts levels, not values", () => {
    expect([isTooDeep(nested(510)), isTooDeep(nested(514)), isTooDeep(nested(100_000))]).toEqual([
      false,
      true,
      true,
    ]);
    expect([isTooDeep("text"), isTooDeep(null), isTooDeep(Array.from({ length: 10_000 }, () => []))]).toEqual(
      [false, false, false],
    );
  });
});

describe("APP_SYNC_GUARDS", () => {
  const read = (value?: string) => [...readAgentConfig({ APP_SYNC_GUARDS: value }, "apps").guards];

  it("is all of them, none, or all but some", () => {
    expect(read()).toEqual(GUARDS);
    expect(read("all")).toEqual(GUARDS);
    expect(read("off")).toEqual([]);
    expect(read("-statuses, -messages")).toEqual(
      GUARDS.filter((name) => name !== "statuses" && name !== "messages"),
    );
  });

  it.each(["statuses", "-nothing", "on", "-statuses,"])(
    "%s is a mistake, which shows nothing of it",
    (value) => {
      expect(() => read(value)).toThrow(
        /APP_SYNC_GUARDS: expected all, off, or all but some of -connections,.*found/,
      );
    },
  );
});

describe("the reporter", () => {
  it("counts each, and writes a kind of them once in a while", () => {
    const lines: string[] = [];
    const line = (text: string) => lines.push(text);
    const report = createReporter({ success: line, warning: line, error: line }, false);
    for (let i = 0; i < 3; i += 1) report.guarded("messages", "a message", `TypeError: ${i}`);
    report.guarded("messages", "a subscription");
    expect(report.counts.guarded.get("messages")).toBe(4);
    expect(report.counts.guarded.get("output")).toBe(0);
    expect(lines).toEqual([
      "app-sync: guard of messages: a message: TypeError: 0",
      "app-sync: guard of messages: a subscription",
    ]);
  });

  it("does not write a whole key that somebody made up", () => {
    const lines: string[] = [];
    const line = (text: string) => lines.push(text);
    createReporter({ success: line, warning: line, error: line }, false).loadFailed(
      `key ${"x".repeat(2_000)}`,
      new Error("down"),
    );
    expect(lines[0]?.length).toBeLessThan(300);
  });
});
