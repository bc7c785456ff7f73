import { describe, expect, it } from "vitest";
import { normalize } from "../../../src/app/normalize.ts";
import { type PublicApp, toPublicView } from "../../../src/app/public-view.ts";
import {
  type CachedOnNode,
  cachedOnNodes,
  cachedInWords,
  isStale,
} from "../../../src/cli/get/cached-entries.ts";
import type { CachedEntry, RegisteredNode } from "../../../src/protocol/node.ts";

function app(maxConnections: string): PublicApp {
  const identity = { AppId: { S: "a" }, AppKey: { S: "k" }, AppSecret: { S: "s" } };
  const normalized = normalize({ ...identity, MaxConnections: { N: maxConnections } }).app;
  if (!normalized) throw new Error("expected an app");
  return toPublicView(normalized);
}

const holding = (holds: CachedEntry | null | undefined): CachedOnNode => ({
  node: "n",
  host: "h",
  pid: 1,
  holds,
});
const entry = (held: PublicApp | null, proven = true) => holding({ app: held, readMsAgo: 1_500, proven });

describe("what a node holds of an app", () => {
  it.each<[string, CachedOnNode, PublicApp | null, boolean, string]>([
    [
      "the table's",
      entry(app("5")),
      app("5"),
      false,
      "the app as it is in the table, read 1.5 s ago, proven",
    ],
    ["another", entry(app("4")), app("5"), true, "another state of the app, read 1.5 s ago, proven"],
    [
      "another that it reads again",
      entry(app("4"), false),
      app("5"),
      false,
      "another state of the app, read",
    ],
    ["that there is none", entry(null), app("5"), true, "that there is no such app, read"],
    ["that there is none, rightly", entry(null), null, false, "that there is no such app, read"],
    ["one that the table has no more", entry(app("5")), null, true, "another state of the app, read"],
    ["nothing", holding(null), app("5"), false, "nothing: the next lookup reads the table"],
    ["no answer", holding(undefined), app("5"), false, "no answer"],
  ])("%s", (_, held, table, stale, words) => {
    expect(isStale(held, table)).toBe(stale);
    expect(cachedInWords(held, table)).toContain(words);
  });

  it("may have more than the table: its server's defaults", () => {
    const filled = { ...app("5"), limits: { ...app("5").limits, maxEventBatchSize: 10 } };
    expect(isStale(entry(filled), app("5"))).toBe(false);
    expect(isStale(entry(app("5")), filled)).toBe(true);
  });

  it("is asked of soketi's nodes alone", () => {
    const node = (soketi?: string): RegisteredNode => ({ id: "n", entry: { host: "h", pid: 1, agent: "1", ...(soketi === undefined ? {} : { soketi }) } }); // prettier-ignore
    expect(cachedOnNodes([node("1.6.1"), node()])).toEqual([holding(undefined)]);
  });
});
