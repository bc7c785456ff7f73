import { setTimeout as pause } from "node:timers/promises";
import type { FaultyRelay, RelayFault } from "./run-fault.ts";

/** Longer than a lease, and than a successor may take. */
const LONG_MS = 6_000;

async function signalled(signal: NodeJS.Signals, { relay }: FaultyRelay): Promise<void> {
  relay.child.signal(signal);
  await relay.child.exited;
}

async function frozen(ms: number, { relay }: FaultyRelay): Promise<void> {
  relay.child.signal("SIGSTOP");
  await pause(ms);
  relay.child.signal("SIGCONT");
}

/** By a firewall that says no, or by one that says nothing. */
function cut(from: "toRedis" | "toDynamoDb", how: "refused" | "silent"): RelayFault["happen"] {
  return async (active) => {
    const way = active[from];
    if (how === "silent") way.freeze();
    else {
      way.refuse(true);
      way.disconnect();
    }
    await pause(LONG_MS);
    way.thaw();
    way.refuse(false);
    // Those that were frozen stay dead: others are made.
    way.disconnect();
  };
}

/** The quick ones, which the tests run too. */
export const FAULTS: readonly RelayFault[] = [
  { name: "none", succession: "none", happen: () => Promise.resolve() },
  {
    name: "ended (SIGTERM)",
    succession: "one",
    happen: (active) => signalled("SIGTERM", active),
  },
  { name: "killed (SIGKILL)", succession: "one", happen: (active) => signalled("SIGKILL", active) },
  {
    name: "frozen past its lease",
    succession: "one",
    happen: (active) => frozen(LONG_MS, active),
  },
  {
    name: "lease taken away repeatedly: both think they are active",
    succession: "many",
    async happen(_active, { redis, lease }) {
      for (let i = 0; i < 15; i += 1) {
        await redis.del(lease);
        await pause(400);
      }
    },
  },
];

export const SLOW_FAULTS: readonly RelayFault[] = [
  { name: "Redis refuses", succession: "one", happen: cut("toRedis", "refused") },
  { name: "Redis silent", succession: "one", happen: cut("toRedis", "silent") },
  { name: "DynamoDB refuses", succession: "one", happen: cut("toDynamoDb", "refused") },
  { name: "DynamoDB silent", succession: "one", happen: cut("toDynamoDb", "silent") },
  {
    name: "frozen for 0.3 s in the middle of batches, ten times",
    succession: "none",
    async happen(active) {
      for (let i = 0; i < 10; i += 1) {
        await frozen(300, active);
        await pause(200);
      }
    },
  },
  {
    name: "disconnected from Redis repeatedly",
    succession: "none",
    async happen({ toRedis }) {
      for (let i = 0; i < 30; i += 1) {
        toRedis.disconnect();
        await pause(100);
      }
    },
  },
];
