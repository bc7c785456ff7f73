import type { CanaryResult } from "../protocol/canary.ts";
import type { Fleet } from "../redis/fleet.ts";
import type { RegisteredNode } from "../protocol/node.ts";
import { type Confirmation, nodesToWaitFor, waitForNodes } from "./wait-for-nodes.ts";
import { watchLog } from "./watch-log.ts";

/** A write that is told from all others by the key that it gives to its app. */
export interface ChangeToMeasure {
  readonly appId: string;
  /** Gives the key. */
  write(): Promise<string>;
}

export type MeasuringFleet = Pick<Fleet, "registered" | "question" | "tail" | "messages" | "now">;

/** Between two looks at the log: what is measured is late by this much at most. Milliseconds. */
const POLL_INTERVAL_MS = 5;

/** The canary counts a node that left without saying so as missing for so long, as the alert NodeLost does. Milliseconds. */
const VANISHED_MS = 3_600_000;

/** Or for so many runs, where they are rare: its alarm goes by the last three. */
const VANISHED_RUNS = 3;

/**
 * Makes a change in the table and follows it, as the pipeline brings it, to the last soketi node of the registry. Rejects as the
 * write does, and with RedisError.
 *
 * @param limitMs how long it is waited for, from the write on.
 * @param intervalMs until the next one is due; null: it was asked for by hand.
 */
export async function measureChange(
  fleet: MeasuringFleet,
  change: ChangeToMeasure,
  { limitMs, intervalMs = null }: { readonly limitMs: number; readonly intervalMs?: number | null },
): Promise<CanaryResult> {
  const registered = await nodesToWaitFor(fleet);
  const nodes = registered.filter(isExpected(intervalMs));
  const watch = await watchLog(fleet, POLL_INTERVAL_MS);
  const started = performance.now();
  const since = (then: number) => Math.round(performance.now() - then);
  const key = await change.write();
  const writeMs = since(started);
  const written = performance.now();
  const id = await watch.messageOf(change.appId, started, limitMs, key);
  const streamMs = id ? since(written) : null;
  // Of a message that never came nobody can confirm anything.
  const confirmations = id
    ? await waitForNodes(fleet, id, { nodes, started, limitMs })
    : nodes.map(({ id: node, entry: { host, pid }, silentMs = null }) => ({
        node,
        host,
        pid,
        confirmedAfterMs: null,
        lastSeenMsAgo: silentMs,
      }));
  const lastMs = streamMs === null ? null : lastConfirmation(confirmations, writeMs + streamMs);
  return {
    at: await fleet.now(),
    intervalMs,
    writeMs,
    streamMs,
    nodesMs: lastMs === null ? null : Math.max(0, lastMs - writeMs - (streamMs ?? 0)),
    totalMs: lastMs,
    expected: confirmations.length,
    confirmed: confirmations.filter(({ confirmedAfterMs }) => confirmedAfterMs !== null).length,
    missing: confirmations
      .filter(({ confirmedAfterMs }) => confirmedAfterMs === null)
      .map(({ host, pid }) => `${host} ${pid}`),
    vanished: registered.filter(({ silentMs }) => silentMs !== undefined).length,
  };
}

/** Whoever asks by hand is told of every node that is remembered, and can have it forgotten. */
function isExpected(intervalMs: number | null): (node: RegisteredNode) => boolean {
  const limitMs = intervalMs === null ? Infinity : Math.max(VANISHED_MS, VANISHED_RUNS * intervalMs);
  return ({ silentMs = 0 }) => silentMs <= limitMs;
}

/**
 * When the last node that is there had confirmed; null when one did not.
 *
 * @param atLeastMs when the message was in the log.
 */
function lastConfirmation(confirmations: readonly Confirmation[], atLeastMs: number): number | null {
  const there = confirmations.filter(({ lastSeenMsAgo }) => lastSeenMsAgo === null);
  const times = there.flatMap(({ confirmedAfterMs }) => confirmedAfterMs ?? []);
  return times.length < there.length ? null : Math.max(atLeastMs, ...times);
}
