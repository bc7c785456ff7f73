import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { type Change, decodeMessage } from "../../src/protocol/message.ts";
import { busNames } from "../../src/protocol/names.ts";
import { insert } from "../factories/stream-event.ts";
import { Random } from "../simulation/random.ts";
import { loadHandler } from "../support/fleet.ts";
import { SECRET, spoilRecord } from "../support/hostile-records.ts";
import { SEEDS } from "../support/seeds.ts";

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

function changesIn(entries: readonly [string, string[]][]): Change[] {
  return entries.flatMap(([, fields]) => {
    const decoded = decodeMessage(fields[1] ?? "");
    expect(decoded.kind).toMatch(/^(changes|flush)$/);
    return decoded.kind === "changes" ? [...decoded.message.changes] : [];
  });
}

describe("hostile records", () => {
  it.each(SEEDS)(
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
          // Hostile records are large: nothing of it may be trimmed before it is read here.
          APP_SYNC_LOG_LENGTH: "1000000",
          APP_SYNC_LOG_BYTES: "1073741824",
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
