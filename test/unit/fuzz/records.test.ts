import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { normalize } from "../../../src/app/normalize.ts";
import { runBatch } from "../../../src/pipeline/run-batch.ts";
import type { EncodedMessage } from "../../../src/protocol/encode.ts";
import { decodeInvalidations } from "../../../src/protocol/live.ts";
import { decodeMessage } from "../../../src/protocol/message.ts";
import { image } from "../../factories/stream-event.ts";
import { Random } from "../../simulation/random.ts";
import { SECRET, spoilImage, spoilRecord } from "../../support/hostile-records.ts";
import { SEEDS } from "../../support/seeds.ts";
import { silentReporter } from "../../support/silent-reporter.ts";
import { spoilJson } from "../../support/spoil-json.ts";

const RECORDS = 3_000;

const awsEvent = JSON.parse(
  readFileSync(new URL("../../factories/aws-event.json", import.meta.url), "utf8"),
) as { Records: object[] };

describe("hostile stream records", () => {
  it.each(SEEDS)(
    `seed %s: of ${RECORDS}, real ones with parts replaced, none throws or is lost`,
    async (seed) => {
      const random = new Random(`records ${seed}`);
      for (let i = 0; i < RECORDS; i += 1) {
        const record = random.chance(0.5)
          ? spoilJson(random, random.pick(awsEvent.Records))
          : spoilRecord(random, `app-${i}`);
        const messages: EncodedMessage[] = [];
        const told: string[] = [];
        const response = await runBatch(
          { Records: [record] },
          {
            log: {
              append: (all) => Promise.resolve(void messages.push(...all)),
              makeRoom: () => Promise.resolve(false),
            },
            report: {
              ...silentReporter,
              unreadableRecord: (_number, reason) => told.push(reason),
              itemProblems: (_appId, problems) => told.push(JSON.stringify(problems)),
            },
            table: "apps",
            now: () => 1,
            remainingMs: () => 30_000,
          },
        );
        expect(response).toEqual({ batchItemFailures: [] });
        for (const { whole, live } of messages) {
          expect(decodeMessage(whole).kind).toMatch(/^(changes|flush)$/);
          expect(decodeInvalidations(live).kind).toBe(decodeMessage(whole).kind);
        }
        expect(JSON.stringify([...messages, ...told])).not.toContain(SECRET);
      }
    },
  );
});

describe("hostile items", () => {
  it.each(SEEDS)(`seed %s: of ${RECORDS}, none throws, and what is usable is whole`, (seed) => {
    const random = new Random(`items ${seed}`);
    let usable = 0;
    for (let i = 0; i < RECORDS; i += 1) {
      const whole = image("a", { AppSecret: { S: `${SECRET}-a` } });
      const item = random.chance(0.5) ? spoilJson(random, whole) : spoilImage(random, whole);
      const { app, problems } = normalize(item);
      expect(JSON.stringify(problems)).not.toContain(SECRET);
      if (!app) continue;
      usable += 1;
      expect([app.id, app.key, app.secret].every((text) => typeof text === "string" && text !== "")).toBe(
        true,
      );
      expect(typeof app.enabled).toBe("boolean");
      for (const limit of Object.values(app.limits)) expect(Number.isFinite(limit)).toBe(true);
    }
    expect(usable).toBeGreaterThan(RECORDS / 4);
  });
});
