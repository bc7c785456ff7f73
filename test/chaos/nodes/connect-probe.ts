import { setTimeout as pause } from "node:timers/promises";
import { Random } from "../../simulation/random.ts";
import { CHAOS_APPS, keyOf } from "./apps.ts";
import { askToConnect } from "./requests.ts";

/** Connects to one node with new clients, all the time. */
export interface ConnectProbe {
  /** How long after its event each key was seen to be answered as before, once it is answered as it should be. */
  readonly settled: readonly number[];
  /** Keys that are still answered as before, and for how long they were. */
  readonly unsettled: ReadonlyMap<string, number>;
  /** Refusals of apps that always were as they should be. */
  readonly refused: readonly string[];
  /** The key that was answered as before for the longest time, and how. */
  readonly longest: { readonly staleMs: number; readonly what: string };
  /** From now on the key must be answered like this. */
  expect(key: string, outcome: "connected" | number, writtenAt: number): void;
  stop(): Promise<void>;
}

const PAUSE_MS = 15;
const STEADY_PAUSE_MS = 50;

export function startConnectProbe(port: number, seed: string): ConnectProbe {
  const random = new Random(seed);
  const steady = CHAOS_APPS.filter(({ role }) => role === "changing").map(({ id }) => id);
  const settled: number[] = [];
  const unsettled = new Map<string, number>();
  const refused: string[] = [];
  const waiting: Watch[] = [];
  const probe = { longest: { staleMs: 0, what: "" } };
  let stopped = false;

  async function connectSteadily(): Promise<void> {
    while (!stopped) {
      const appId = random.pick(steady);
      const outcome = await askToConnect(port, keyOf(appId));
      if (typeof outcome === "number") refused.push(`connecting to ${appId}: ${outcome}`);
      await pause(STEADY_PAUSE_MS);
    }
  }

  async function watchOn(): Promise<void> {
    while (!stopped) {
      const next = waiting.shift();
      if (next) await ask(next);
      await pause(PAUSE_MS);
    }
  }

  async function ask(watch: Watch): Promise<void> {
    const askedAt = performance.now();
    const outcome = await askToConnect(port, watch.key);
    if (outcome === watch.expected) {
      settled.push(unsettled.get(watch.key) ?? 0);
      unsettled.delete(watch.key);
      return;
    }
    if (outcome !== undefined) {
      unsettled.set(watch.key, askedAt - watch.writtenAt);
      if (askedAt - watch.writtenAt > probe.longest.staleMs)
        probe.longest = { staleMs: askedAt - watch.writtenAt, what: `${watch.key}: ${outcome}` };
    }
    waiting.push(watch);
  }

  const running = [connectSteadily(), watchOn(), watchOn()];
  return Object.assign(probe, {
    settled,
    unsettled,
    refused,
    expect(key: string, expected: "connected" | number, writtenAt: number) {
      unsettled.set(key, 0);
      waiting.unshift({ key, expected, writtenAt });
    },
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  });
}

/** A key that is not yet answered as it should be. */
interface Watch {
  readonly key: string;
  readonly expected: "connected" | number;
  readonly writtenAt: number;
}
