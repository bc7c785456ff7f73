/** A write is late when it takes longer than this to the last node. Milliseconds. docs/monitoring.md */
export const CANARY_BOUND_MS = 2_000;

/** One write of the canary's item, followed to the last node. Durations in milliseconds. */
export interface CanaryResult {
  /** When it ended, by Redis' clock: milliseconds since 1970. */
  readonly at: number;
  /** Until the next one is due; null of one that was asked for by hand. */
  readonly intervalMs: number | null;
  /** From the request to DynamoDB's answer. */
  readonly writeMs: number;
  /** From then until the pipeline's message was seen in the log; null when none came in time. */
  readonly streamMs: number | null;
  /** From then until the last node had confirmed it; null when one that is there did not in time. */
  readonly nodesMs: number | null;
  /** From the request to the last node; null when one that is there did not confirm. */
  readonly totalMs: number | null;
  /** soketi nodes of the registry at the write, with those that left without saying so; the canary's within an hour. */
  readonly expected: number;
  readonly confirmed: number;
  /** Host and process id of those that did not confirm. */
  readonly missing: readonly string[];
  /** soketi nodes that left without saying so within a day, expected or not. Absent from an older function. */
  readonly vanished?: number | undefined;
}

/** Undefined for what no canary writes. */
export function decodeCanaryResult(json: string | null | undefined): CanaryResult | undefined {
  let value: Partial<CanaryResult> | null;
  try {
    value = JSON.parse(json ?? "") as Partial<CanaryResult> | null;
  } catch {
    return undefined;
  }
  const { at, writeMs, expected, confirmed, missing } = value ?? {};
  if ([at, writeMs, expected, confirmed].some((one) => typeof one !== "number") || !Array.isArray(missing)) {
    return undefined;
  }
  return value as CanaryResult;
}

/**
 * Whether a change was in force everywhere, however late.
 *
 * @param hasSharedCache a fleet on soketi's own cache may have no node with the agent: its function is enough then.
 */
export function isComplete(
  { totalMs, expected, confirmed }: Pick<CanaryResult, "totalMs" | "expected" | "confirmed">,
  hasSharedCache: boolean,
): boolean {
  return totalMs !== null && confirmed === expected && (expected > 0 || hasSharedCache);
}

export function isInTime({ totalMs }: Pick<CanaryResult, "totalMs">): boolean {
  return totalMs !== null && totalMs <= CANARY_BOUND_MS;
}
