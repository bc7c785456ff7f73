import { describe, expect, it } from "vitest";
import {
  answerList,
  busNames,
  defaultPrefix,
  hasHashTag,
  nodeEntry,
  relayNames,
} from "../../../src/protocol/names.ts";

const NAMES = busNames(defaultPrefix("apps"));

describe("names in Redis", () => {
  it("share one hash tag", () => {
    const all = [
      ...Object.values<string>({ ...NAMES }),
      ...Object.values<string>({ ...relayNames(NAMES) }),
      nodeEntry(NAMES, "n"),
      answerList(NAMES, "q"),
    ];
    for (const name of all) expect(name).toMatch(/^\{app-sync:apps\}:v1:/);
    expect(new Set(all).size).toBe(all.length);
  });

  it("of the relays begin alike", () => {
    expect(relayNames(NAMES)).toEqual({
      lease: "{app-sync:apps}:v1:relay:lease",
      terms: "{app-sync:apps}:v1:relay:terms",
      positions: "{app-sync:apps}:v1:relay:positions",
    });
  });

  // As Redis Cluster's specification has it: the first { and the next }, with something between.
  it.each([
    ["{a}", true],
    ["{app-sync:apps}:v1:log", true],
    ["before{a}after", true],
    ["{a}{}", true],
    ["{}", false],
    ["{}{a}", false],
    ["{", false],
    ["a}", false],
    ["}{", false],
    ["{a", false],
    ["a", false],
    ["{{a}}", true],
    ["", false],
  ])("%s has a hash tag: %s", (name, expected) => {
    expect(hasHashTag(name)).toBe(expected);
  });
});
