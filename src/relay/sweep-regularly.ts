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
  readonly report: SweepReporter;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Between two looks whether it is time. Milliseconds. */
const POLL_INTERVAL_MS = 1_000;

/** Sweeps the shared cache when it is time, for as long as the term lasts: a restart, or another relay, changes no schedule. */
export async function sweepRegularly({ checkpoints, signal }: Term, options: SweepOptions): Promise<void> {
  const { sharedCache, table, intervalMs, report, now } = options;
  if (!sharedCache) return;
  let triedAt = 0;
  while (!isOver(signal)) {
    if (now() - Math.max(triedAt, checkpoints.sweptAt) >= intervalMs) {
      triedAt = now();
      try {
        // Nothing is begun that a later term would do too.
        const remainingMs = () => (signal.aborted ? 0 : Number.POSITIVE_INFINITY);
        report.swept(await sweep({ cache: sharedCache, table, remainingMs }));
      } catch (error) {
        if (isOver(signal)) return;
        report.sweepFailed(error);
      }
      try {
        await checkpoints.noteSwept(now());
      } catch (error) {
        // The reading finds out by itself; swept again is swept right.
        if (!isFenced(error)) report.sweepFailed(error);
      }
    }
    await pauseUnless(signal, POLL_INTERVAL_MS);
  }
}
