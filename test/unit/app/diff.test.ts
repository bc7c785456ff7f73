import { describe, expect, it } from "vitest";
import type { App, Webhook } from "../../../src/app/app.ts";
import { diff } from "../../../src/app/diff.ts";
import type { Normalized } from "../../../src/app/normalize.ts";
import { DEFAULTS, FULL } from "./fixtures.ts";

const usable = (app: App): Normalized => ({ app, id: app.id, key: app.key, problems: [] });
const unusable = (id?: string, key?: string): Normalized => ({ id, key, problems: [] });
const reKeyed = { ...DEFAULTS, key: "key-2" };
const base = usable(DEFAULTS);

describe("kinds", () => {
  const cases: [string, Normalized | undefined, Normalized | undefined, object | undefined][] = [
    ["inserted", undefined, base, { type: "created", keys: ["key-1"], app: DEFAULTS }],
    ["repaired", unusable("id-1", "key-1"), base, { type: "created", keys: ["key-1"], app: DEFAULTS }],
    [
      "repaired with a key",
      unusable("id-1", "old"),
      base,
      { type: "created", keys: ["key-1", "old"], app: DEFAULTS },
    ],
    ["repaired without id", unusable(), base, { type: "created", keys: ["key-1"], app: DEFAULTS }],
    ["removed", base, undefined, { type: "deleted", keys: ["key-1"] }],
    ["broken", base, unusable("id-1", "key-1"), { type: "deleted", keys: ["key-1"] }],
    ["broken and re-keyed", base, unusable("id-1", "key-2"), { type: "deleted", keys: ["key-2", "key-1"] }],
    ["broken by its key", base, unusable("id-1"), { type: "deleted", keys: ["key-1"] }],
    ["id unreadable after", base, unusable(), { type: "deleted", keys: ["key-1"] }],
    ["unusable, before unknown", undefined, unusable("id-1", "key-1"), { type: "deleted", keys: ["key-1"] }],
    ["unusable, before unknown, no key", undefined, unusable("id-1"), { type: "deleted", keys: [] }],
    ["unusable, then removed", unusable("id-1", "key-1"), undefined, { type: "deleted", keys: ["key-1"] }],
    [
      "unusable, then another key",
      unusable("id-1", "a"),
      unusable("id-1", "b"),
      { type: "deleted", keys: ["b", "a"] },
    ],
    ["still unusable", unusable("id-1", "key-1"), unusable("id-1", "key-1"), undefined],
    ["still without a key", unusable("id-1"), unusable("id-1"), undefined],
    ["nothing", undefined, undefined, undefined],
    ["no id anywhere", unusable(undefined, "a"), unusable(undefined, "b"), undefined],
    ["no id, inserted", undefined, unusable(undefined, "b"), undefined],
    ["no id, removed", unusable(undefined, "b"), undefined, undefined],
    ["the same", base, usable(structuredClone(DEFAULTS)), undefined],
    ["the same in full", usable(FULL), usable(structuredClone(FULL)), undefined],
  ];
  it.each(cases)("%s", (_name, before, after, expected) => {
    const result = diff(before, after);
    expect(result).toStrictEqual(expected && { appId: "id-1", changed: [], ...expected });
  });
  it("ignores problems", () => {
    const problem = {
      attribute: "Enabled",
      code: "flag-unreadable",
      message: "m",
      severity: "error",
    } as const;
    expect(diff(base, { ...base, problems: [problem] })).toBeUndefined();
  });
});

describe("updated", () => {
  const [hook, lambdaHook] = FULL.webhooks as [Webhook, Webhook];
  const cases: [string, Partial<App>, string[]][] = [
    ["a new key", { key: "key-1b" }, ["key"]],
    ["a new secret", { secret: "s" }, ["secret"]],
    ["a flag", { enabled: true }, ["enabled"]],
    ["an always limit", { limits: { ...FULL.limits, maxConnections: 2 } }, ["limits.maxConnections"]],
    [
      "an optional limit",
      { limits: { ...FULL.limits, maxChannelNameLength: 2 } },
      ["limits.maxChannelNameLength"],
    ],
    [
      "limits removed",
      { limits: DEFAULTS.limits },
      Object.keys(FULL.limits)
        .map((name) => `limits.${name}`)
        .sort(),
    ],
    ["webhooks removed", { webhooks: [] }, ["webhooks"]],
    ["webhooks in another order", { webhooks: [lambdaHook, hook] }, ["webhooks"]],
    ["a webhook's event", { webhooks: [{ ...hook, eventTypes: ["cache_miss"] }, lambdaHook] }, ["webhooks"]],
    [
      "a header's value",
      { webhooks: [{ ...hook, headers: { Authorization: "x" } }, lambdaHook] },
      ["webhooks"],
    ],
    [
      "a header's name",
      { webhooks: [{ ...hook, headers: { authorization: "Bearer header" } }, lambdaHook] },
      ["webhooks"],
    ],
    ["a client option", { webhooks: [hook, { ...lambdaHook, lambda: { async: true } }] }, ["webhooks"]],
    [
      "several",
      { webhooks: [], secret: "s", enabled: true, key: "k" },
      ["enabled", "key", "secret", "webhooks"],
    ],
  ];
  it.each(cases)("%s", (_name, change, changed) => {
    const after = { ...FULL, ...change };
    const keys = [...new Set([after.key, "key-1"])];
    expect(diff(usable(FULL), usable(after))).toStrictEqual({
      appId: "id-1",
      type: "updated",
      keys,
      changed,
      app: after,
    });
    const back = [...new Set(["key-1", after.key])];
    expect(diff(usable(after), usable(FULL))).toStrictEqual({
      appId: "id-1",
      type: "updated",
      keys: back,
      changed,
      app: FULL,
    });
  });
  it("has the current key first", () => {
    expect(diff(base, usable(reKeyed))?.keys).toEqual(["key-2", "key-1"]);
  });
  it("does not mind the order of names", () => {
    const reverse = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reverse);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, part]) => [name, reverse(part)]),
      );
    };
    expect(diff(usable(FULL), usable(reverse(FULL) as App))).toBeUndefined();
  });
  it("sees names like __proto__, and null against a map", () => {
    const withOptions = (json: string) =>
      usable({
        ...DEFAULTS,
        webhooks: [
          {
            lambdaFunction: "f",
            eventTypes: ["cache_miss"],
            lambda: { clientOptions: JSON.parse(json) as Record<string, unknown> },
          },
        ],
      });
    const variants = [
      '{"__proto__":{"a":1}}',
      '{"__proto__":{"a":2}}',
      '{"constructor":1}',
      '{"a":null}',
      '{"a":{}}',
      '{"a":[]}',
    ];
    for (const left of variants) {
      for (const right of variants) {
        expect(diff(withOptions(left), withOptions(right))?.changed).toEqual(
          left === right ? undefined : ["webhooks"],
        );
      }
    }
  });
});
