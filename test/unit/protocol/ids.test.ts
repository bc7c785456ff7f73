import { describe, expect, it } from "vitest";
import { parseLive } from "../../../src/protocol/live.ts";
import { compareMessageIds, formatMessageId, parseMessageId } from "../../../src/protocol/message-id.ts";
import { answerList, busNames, defaultPrefix, nodeEntry } from "../../../src/protocol/names.ts";

describe("parseMessageId", () => {
  it.each([
    ["1700000000000-1", { epoch: 1_700_000_000_000, seq: 1 }],
    ["0-0", { epoch: 0, seq: 0 }],
    ["1-9007199254740991", { epoch: 1, seq: Number.MAX_SAFE_INTEGER }],
  ])("reads %s", (text, id) => {
    expect(parseMessageId(text)).toEqual(id);
    expect(formatMessageId(id)).toBe(text);
  });

  it.each([
    "",
    "1",
    "1-",
    "-1",
    "1-1-1",
    "a-1",
    "1-1 ",
    " 1-1",
    "1.5-1",
    "-1-1",
    "1-9007199254740993",
    "1-18446744073709551615",
  ])("refuses %j", (text) => {
    expect(parseMessageId(text)).toBeUndefined();
  });
});

describe("compareMessageIds", () => {
  it("goes by epoch and then by number, as numbers and not as texts", () => {
    const inOrder = ["9-10", "10-0", "10-1", "10-2", "10-10", "11-1", "1700000000000-9007199254740991"];
    const ids = inOrder.map((text) => parseMessageId(text) ?? { epoch: Number.NaN, seq: Number.NaN });
    expect([...ids].reverse().sort(compareMessageIds).map(formatMessageId)).toEqual(inOrder);
    for (const [i, a] of ids.entries())
      for (const [j, b] of ids.entries()) expect(Math.sign(compareMessageIds(a, b))).toBe(Math.sign(i - j));
  });
});

describe("parseLive", () => {
  it("splits at the first space", () => {
    expect(parseLive('5-7 {"a": 1}')).toEqual({ id: { epoch: 5, seq: 7 }, json: '{"a": 1}' });
  });

  it.each(["", " ", "5-7", " {}", "x {}", "5-x {}", '{"v":1}'])("refuses %j", (payload) => {
    expect(parseLive(payload)).toBeUndefined();
  });
});

describe("names", () => {
  it("share one hash tag, so that they share a slot in a cluster", () => {
    const names = busNames(defaultPrefix("apps"));
    expect(names).toEqual({
      log: "{app-sync:apps}:v1:log",
      last: "{app-sync:apps}:v1:last",
      live: "{app-sync:apps}:v1:live",
      nodes: "{app-sync:apps}:v1:nodes",
      seen: "{app-sync:apps}:v1:nodes:seen",
      ask: "{app-sync:apps}:v1:ask",
      relay: "{app-sync:apps}:v1:relay",
      canary: "{app-sync:apps}:v1:canary",
      measured: "{app-sync:apps}:v1:canary:measured",
    });
  });

  it("a node's entry is beside the registry, a question's answers beside the questions", () => {
    expect(nodeEntry(busNames("{x}"), "n1")).toBe("{x}:v1:nodes:n1");
    expect(answerList(busNames("{x}"), "q1")).toBe("{x}:v1:ask:q1");
  });
});
