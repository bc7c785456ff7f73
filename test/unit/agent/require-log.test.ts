import { describe, expect, it } from "vitest";
import type { Bus, Tail } from "../../../src/agent/ports.ts";
import { NoLogError } from "../../../src/agent/errors.ts";
import { requireLog } from "../../../src/agent/require-log.ts";

const LOG: Tail = { server: "s", last: { epoch: 1, seq: 1 } };
const NONE: Tail = { server: "s", last: undefined };

describe("requireLog", () => {
  let tail = NONE;
  let renewed = 0;
  const inner: Bus = {
    heartbeat: () => Promise.resolve(tail),
    read: () => Promise.resolve([]),
    resubscribe: () => (renewed += 1),
  };

  it("fails each heartbeat until there is a log, and then none, though it goes away again", async () => {
    const bus = requireLog(inner, { log: "{x}:v1:log", redis: "r:1/0 (REDIS_URL)" });
    for (const _ of [1, 2]) {
      const failure = await bus.heartbeat().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(NoLogError);
      expect((failure as Error).message).toMatch(
        /"\{x\}:v1:log" in Redis r:1\/0 \(REDIS_URL\).*APP_SYNC_REDIS_URL/,
      );
    }
    tail = LOG;
    expect(await bus.heartbeat()).toBe(LOG);
    tail = NONE;
    expect(await bus.heartbeat()).toBe(NONE);
    expect(await bus.read({ epoch: 1, seq: 1 }, { epoch: 1, seq: 2 })).toEqual([]);
    bus.resubscribe();
    expect(renewed).toBe(1);
  });
});
