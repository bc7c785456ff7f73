import { describe, expect, it } from "vitest";
import { decodeAnswer, decodeNodeEntry, decodeQuestion } from "../../../src/protocol/node.ts";

describe("a question", () => {
  it("names the list of its answers, and perhaps an app", () => {
    expect(decodeQuestion('{"v":1,"id":"12345678"}')).toEqual({ v: 1, id: "12345678" });
    expect(decodeQuestion('{"v":1,"id":"1234-abc_D","appId":"acme","more":1}')).toEqual({
      v: 1,
      id: "1234-abc_D",
      appId: "acme",
    });
  });

  it("of an app whose id is no text is of none", () => {
    expect(decodeQuestion('{"v":1,"id":"12345678","appId":1}')).toEqual({ v: 1, id: "12345678" });
  });

  it.each([
    "",
    "null",
    "[]",
    "{",
    '{"id":"12345678"}',
    '{"v":2,"id":"12345678"}',
    '{"v":1}',
    '{"v":1,"id":12345678}',
    // Lists elsewhere, or without end, are nothing that an agent writes to.
    '{"v":1,"id":"1234567"}',
    '{"v":1,"id":"../../../x"}',
    '{"v":1,"id":"12345678:x"}',
    '{"v":1,"id":"12345678}{"}',
    `{"v":1,"id":"${"a".repeat(65)}"}`,
  ])("is refused: %j", (payload) => {
    expect(decodeQuestion(payload)).toBeUndefined();
  });
});

describe("a node's entry", () => {
  const entry = { host: "h", pid: 1, agent: "0.1.0" };

  it("may be of an older version", () => {
    expect(decodeNodeEntry(JSON.stringify(entry))).toEqual(entry);
  });

  it.each([
    null,
    undefined,
    "",
    "1",
    "null",
    '"text"',
    "{",
    "{}",
    '{"host":"h","pid":1}',
    '{"host":"h","pid":1,"agent":1}',
    '{"host":"h","pid":"1","agent":"x"}',
    '{"host":1,"pid":1,"agent":"x"}',
  ])("is nothing else: %j", (json) => {
    expect(decodeNodeEntry(json)).toBeUndefined();
  });

  it("an answer has the node's id and its last messages", () => {
    const answer = { ...entry, node: "n", recent: [["1-1", 5]] };
    expect(decodeAnswer(JSON.stringify(answer))).toEqual(answer);
    expect(decodeAnswer(JSON.stringify({ ...answer, node: 1 }))).toBeUndefined();
    expect(decodeAnswer(JSON.stringify({ ...answer, recent: 1 }))).toBeUndefined();
    expect(decodeAnswer("{")).toBeUndefined();
  });
});
