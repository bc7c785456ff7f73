import { describe, expect, it } from "vitest";
import { Lease } from "../../../src/agent/lease.ts";
import { LogFollower } from "../../../src/agent/log-follower.ts";
import { decodeInvalidations } from "../../../src/protocol/live.ts";
import { decodeMessage } from "../../../src/protocol/message.ts";
import type { EncodedMessage } from "../../../src/protocol/encode.ts";
import { runBatch } from "../../../src/pipeline/run-batch.ts";
import { modify } from "../../factories/stream-event.ts";
import { Random } from "../../simulation/random.ts";
import { SEEDS } from "../../support/seeds.ts";
import { spoilJson, spoilText } from "../../support/spoil-json.ts";
import { silentReporter } from "../../support/silent-reporter.ts";

const MESSAGES = 5_000;

/** As the pipeline writes them. */
async function realMessages(): Promise<string[]> {
  const messages: string[] = [];
  const log = {
    append: (all: readonly EncodedMessage[]) => {
      for (const { whole, live } of all) messages.push(whole, live);
      return Promise.resolve();
    },
    makeRoom: () => Promise.resolve(false),
  };
  const webhooks = {
    Webhooks: { S: '[{"url":"https://h.example.com/x","event_types":["channel_occupied"]}]' },
  };
  for (let i = 0; i < 5; i += 1) {
    const Records = Array.from({ length: i + 1 }, (_, n) =>
      modify(`app-${n}`, webhooks, { ...webhooks, MaxConnections: { N: String(n + 1) } }),
    );
    await runBatch(
      { Records },
      { log, report: silentReporter, table: "apps", now: Date.now, remainingMs: () => 30_000 },
    );
  }
  return [...messages, '{"v":1,"flush":"requested","at":1}', '[1,1,"requested"]'];
}

describe("hostile messages", () => {
  it.each(SEEDS)(`seed %s: of ${MESSAGES}, each is read or refused, and none throws`, async (seed) => {
    const random = new Random(`messages ${seed}`);
    const real = await realMessages();
    const kinds = new Set<string>();
    const flushed: string[] = [];
    const applied: unknown[] = [];
    const follower = new LogFollower({
      bus: {
        heartbeat: () => Promise.resolve({ last: { epoch: 1, seq: 0 }, server: "s" }),
        read: () => Promise.resolve([]),
        resubscribe: () => undefined,
      },
      target: {
        apply: ({ changes }) => applied.push(...changes),
        flush: (reason) => flushed.push(reason),
      },
      clock: () => 0,
      lease: new Lease({ clock: () => 0, leaseMs: 3_000 }),
      onGap: () => undefined,
    });
    await follower.onSubscribed();
    let seq = 0;
    for (let i = 0; i < MESSAGES; i += 1) {
      const message = random.pick(real);
      const json = random.chance(0.5)
        ? spoilText(random, message)
        : JSON.stringify(spoilJson(random, JSON.parse(message)) ?? null);
      const whole = decodeMessage(json);
      const changedOf =
        whole.kind === "changes" ? whole.message.changes.flatMap(({ changed }) => changed) : [];
      expect(changedOf.every((text) => typeof text === "string")).toBe(true);
      const decoded = decodeInvalidations(json);
      kinds.add(decoded.kind);
      if (decoded.kind === "changes") {
        for (const { appId, keys, key = "", type } of decoded.message.changes) {
          expect(appId).toMatch(/./s);
          expect([...keys, key].every((text) => typeof text === "string")).toBe(true);
          expect(type).toMatch(/^(created|updated|deleted)$/);
        }
      }
      // What cannot be read must make the agent forget everything; what can must be acted on.
      const before = flushed.length + applied.length;
      const hasChanges = decoded.kind !== "changes" || decoded.message.changes.length > 0;
      seq += 1;
      follower.onLive(random.chance(0.1) ? spoilText(random, `1-${seq} ${json}`) : `1-${seq} ${json}`);
      if (follower.state !== "following") {
        await follower.onSubscribed();
        seq = 0;
        continue;
      }
      if (follower.cursor?.seq === seq && hasChanges)
        expect(flushed.length + applied.length).toBeGreaterThan(before);
      seq = follower.cursor?.seq ?? seq;
    }
    expect([...kinds].sort()).toEqual(["changes", "flush", "malformed", "unsupported"]);
  });
});
