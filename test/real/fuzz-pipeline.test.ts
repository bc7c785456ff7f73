import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { type Change, decodeMessage } from "../../src/protocol/message.ts";
import { busNames } from "../../src/protocol/names.ts";
import { image, insert, modify } from "../factories/stream-event.ts";
import { Random } from "../simulation/random.ts";
import { loadHandler } from "../support/fleet.ts";

const RECORDS = 2_500;
const MAX_BATCH = 50;
const PREFIX = "{fuzz}";
const context = { getRemainingTimeInMillis: () => 30_000 };

interface AwsEvent {
  readonly Records: readonly {
    readonly dynamodb: { readonly NewImage?: object; readonly OldImage?: object };
  }[];
}

const awsEvent = JSON.parse(
  readFileSync(new URL("../factories/aws-event.json", import.meta.url), "utf8"),
) as AwsEvent;

let redis: Redis;

beforeAll(() => {
  redis = new Redis(inject("redisUrl"));
});

afterAll(async () => {
  await redis.quit();
});

/** Bad records that are made of good ones. Whatever must stay secret in them begins with this. */
const SECRET = "SECRET";

/** Nested so deeply that a walk which recurses would fall off the stack. */
function deep(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = { S: "x" };
  for (let i = 0; i < levels; i += 1) value = wrap(value);
  return value;
}

/** What may stand where an attribute value is expected. */
const HOSTILE: readonly ((random: Random) => unknown)[] = [
  () => undefined,
  () => null,
  () => [],
  () => ({}),
  () => "text",
  () => 7,
  () => Number.NaN,
  () => ({ S: 7 }),
  () => ({ S: "" }),
  () => ({ S: "\ud800" }),
  () => ({ S: "x".repeat(1_000_000) }),
  () => ({ N: "1e400" }),
  () => ({ N: "0x10" }),
  () => ({ N: "-0" }),
  () => ({ N: "9".repeat(400) }),
  () => ({ N: "NaN" }),
  () => ({ B: "%%%%" }),
  () => ({ B: "//79" }),
  () => ({ B: { type: "Buffer", data: [255, 300, -1] } }),
  () => ({ B: { 0: 116, 2: 101 } }),
  () => ({ B: { length: 1e9 } }),
  () => ({ BOOL: "false" }),
  () => ({ NULL: false }),
  () => ({ S: "a", N: "1" }),
  () => ({ SS: [1, null] }),
  () => ({ L: { length: 3 } }),
  () => ({ L: [{ M: JSON.parse('{"__proto__":{"S":"x"},"constructor":{"S":"x"}}') as unknown }] }),
  () => deep(10_000, (inner) => ({ L: [inner] })),
  () => deep(10_000, (inner) => ({ M: { url: inner } })),
  () => ({ S: "[".repeat(20_000) }),
  () => ({ S: `[${'{"url":"https://h.example.com"},'.repeat(2_000)}{}]` }),
  () => ({
    S: JSON.stringify([
      {
        url: `https://u:${SECRET}@h.example.com/${SECRET}?t=${SECRET}`,
        event_types: ["client_event"],
        headers: { Authorization: SECRET },
      },
    ]),
  }),
  () => ({ S: `[{"url":"${SECRET}` }),
  () => ({
    S: JSON.stringify([
      {
        lambda_function: "f",
        event_types: "client_event",
        lambda: { client_options: { secretAccessKey: SECRET } },
      },
    ]),
  }),
  () => ({ S: JSON.stringify([null, 1, "x", [], { url: "javascript:alert(1)", event_types: [null] }]) }),
  (random) => ({ S: String.fromCharCode(...Array.from({ length: 50 }, () => random.integer(0, 65_535))) }),
];

const NAMES = [
  "AppId",
  "AppKey",
  "Enabled",
  "EnableClientMessages",
  "MaxConnections",
  "MaxEventPayloadInKb",
  "Webhooks",
  "__proto__",
  "constructor",
  "toString",
  "Unknown",
];

function spoilAttribute(random: Random): [string, unknown] {
  const name = random.pick(NAMES);
  return [name, name === "AppId" || name === "AppKey" ? publicValue(random) : random.pick(HOSTILE)(random)];
}

/** Ids and keys are public: whoever writes a secret there has published it. */
function publicValue(random: Random): unknown {
  const value = random.pick(HOSTILE)(random);
  const text = (value as { S?: unknown } | null | undefined)?.S;
  return typeof text === "string" && text.includes(SECRET) ? null : value;
}

function spoilImage(random: Random, item: object): unknown {
  if (random.chance(0.03)) return random.pick([null, [], "x", 7, undefined]);
  const spoiled: [string, unknown][] = Object.entries(item);
  for (let i = random.integer(1, 3); i > 0; i -= 1) spoiled.push(spoilAttribute(random));
  // A name twice: the last counts. `fromEntries` makes `__proto__` an own name.
  return Object.fromEntries(spoiled);
}

/** One of the ways in which a record can be wrong. */
function spoilRecord(random: Random, id: string): unknown {
  const secret = { AppSecret: { S: `${SECRET}-${id}` } };
  const base = random.chance(0.5)
    ? insert(id, { item: secret })
    : modify(id, secret, { ...secret, MaxConnections: { N: "5" } });
  const { dynamodb } = base as { dynamodb: Record<string, unknown> };
  const parts: Record<string, unknown> = { ...dynamodb };
  for (const name of ["NewImage", "OldImage"])
    if (name in parts && random.chance(0.7)) parts[name] = spoilImage(random, image(id, secret));
  if (random.chance(0.1))
    parts.Keys = random.pick([
      undefined,
      null,
      {},
      [],
      { AppId: { N: "1" } },
      { AppId: publicValue(random) },
    ]);
  if (random.chance(0.1))
    parts.ApproximateCreationDateTime = random.pick([undefined, null, "yesterday", Infinity, -1, {}, 1e300]);
  const record: Record<string, unknown> = { ...base, dynamodb: parts };
  if (random.chance(0.05)) record.eventName = random.pick([undefined, "", "DROP", 7, null]);
  if (random.chance(0.03))
    return random.pick([null, undefined, 7, "x", [], {}, { dynamodb: null }, { dynamodb: [] }]);
  return record;
}

function changesIn(entries: readonly [string, string[]][]): Change[] {
  return entries.flatMap(([, fields]) => {
    const decoded = decodeMessage(fields[1] ?? "");
    expect(decoded.kind).toMatch(/^(changes|flush)$/);
    return decoded.kind === "changes" ? [...decoded.message.changes] : [];
  });
}

const fresh = Date.now() % 1_000_000_000;

describe("hostile records", () => {
  it.each([["1"], ["2"], ["3"], [`${fresh}`]])(
    `seed %s: ${RECORDS} of them crash nothing, hold up nothing, and give nothing away`,
    async (seed) => {
      const random = new Random(`fuzz ${seed}`);
      const written: string[] = [];
      const keep = (text: unknown) => written.push(String(text)) > 0;
      vi.spyOn(process.stdout, "write").mockImplementation(keep);
      vi.spyOn(process.stderr, "write").mockImplementation(keep);
      const log = busNames(PREFIX).log;
      await redis.del(log);
      const good: string[] = [];
      let records = 0;
      try {
        const handler = await loadHandler({
          REDIS_URL: inject("redisUrl"),
          APP_SYNC_PREFIX: PREFIX,
          APP_SYNC_LOG_LENGTH: "1000000",
          POWERTOOLS_LOG_LEVEL: "DEBUG",
          POWERTOOLS_METRICS_DISABLED: "false",
        });
        while (records < RECORDS) {
          const batch: unknown[] = Array.from({ length: random.integer(1, MAX_BATCH) }, () =>
            spoilRecord(random, `bad-${(records += 1)}`),
          );
          // Good ones among them, one as AWS sends it.
          const id = `good-${records}`;
          good.push(id);
          batch.splice(
            random.integer(0, batch.length),
            0,
            insert(id, { item: { AppSecret: { S: `${SECRET}-good` } } }),
          );
          batch.splice(random.integer(0, batch.length), 0, random.pick(awsEvent.Records));
          expect(await handler({ Records: batch }, context)).toEqual({ batchItemFailures: [] });
        }
      } finally {
        vi.restoreAllMocks();
      }
      const entries = await redis.xrange(log, "-", "+");
      const published = new Set(changesIn(entries).map(({ appId }) => appId));
      expect(good.filter((id) => !published.has(id))).toEqual([]);
      expect(entries.flat(2).join("\n").includes(SECRET)).toBe(false);
      expect(written.length).toBeGreaterThan(100);
      expect(written.join("").includes(SECRET)).toBe(false);
    },
  );
});
