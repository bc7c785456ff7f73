import { backoff } from "../async/backoff.ts";
import type { AppsReader, SweepReporter } from "../pipeline/ports.ts";
import type { SharedCache } from "../pipeline/shared-cache.ts";
import { sweep } from "../pipeline/sweep.ts";
import { pauseUnless, isOver } from "./pause.ts";
import type { Term } from "./relay.ts";
import { isFenced } from "./take-records.ts";

export interface SweepOptions {
  /** Undefined while it is off: there is nothing to sweep. */
  readonly sharedCache: SharedCache | undefined;
  readonly table: AppsReader;
  readonly intervalMs: number;
  /** Between two looks whether it is time. Milliseconds. Default: a second. */
  readonly pollMs?: number | undefined;
  readonly report: SweepReporter;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** When one has failed, it is tried again so soon; then after twice as long each time, but at the interval. Milliseconds. */
const FIRST_RETRY_MS = 60_000;

/**
 * Sweeps the shared cache when it is time, for as long as the term lasts: a restart, or another relay, changes no schedule. When
 * records were lost it is time: no other change will tell of theirs.
 */
export async function sweepRegularly(term: Term, options: SweepOptions): Promise<void> {
  const { checkpoints, signal } = term;
  const { sharedCache, intervalMs, pollMs = 1_000, now } = options;
  if (!sharedCache) return;
  let failures = 0;
  let notBefore = 0;
  let { losses } = checkpoints;
  // A term that begins anew says so first.
  await pauseUnless(signal, pollMs);
  while (!isOver(signal)) {
    if (failures === 0 && checkpoints.losses > losses) notBefore = 0;
    if (now() >= Math.max(notBefore, checkpoints.sweptAt + intervalMs)) {
      losses = checkpoints.losses;
      failures = (await sweepOnce(sharedCache, term, options)) ? 0 : failures + 1;
      notBefore = now() + (failures === 0 ? intervalMs : backoff(failures, FIRST_RETRY_MS, intervalMs));
    }
    await pauseUnless(signal, pollMs);
  }
}

/** Whether all was swept. Only then is it noted, for this relay and the next one. */
async function sweepOnce(
  cache: SharedCache,
  { checkpoints, signal }: Term,
  { table, report, now }: SweepOptions,
): Promise<boolean> {
  const { losses } = checkpoints;
  try {
    // Nothing is begun that a later term would do too.
    const remainingMs = () => (signal.aborted ? 0 : Number.POSITIVE_INFINITY);
    report.swept(await sweep({ cache, table, remainingMs }));
  } catch (error) {
    if (!isOver(signal)) report.sweepFailed(error);
    return false;
  }
  // What was lost meanwhile may be of apps that it had passed.
  if (checkpoints.losses > losses) return true;
  try {
    await checkpoints.noteSwept(now());
  } catch (error) {
    // The reading finds out by itself; swept again is swept right.
    if (!isFenced(error)) report.sweepFailed(error);
  }
  return true;
}
