import type { AppItems } from "../../aws/app-items.ts";
import { hasAttributes } from "../../aws/canonical-value.ts";
import { ConflictError } from "../../aws/errors.ts";
import type { Backup, Rewrite } from "./backup.ts";
import type { Terminal } from "../support/terminal.ts";

/** What became of rewrites. */
export interface RewriteOutcome {
  written: number;
  /** Restored before, or rewritten by somebody else to the same. */
  already: number;
  /** Changed by somebody else since: left alone. Their ids. */
  readonly conflicts: string[];
  /** Not tried: Ctrl-C. */
  left: number;
}

/** Writes under way at a time. */
const CONCURRENCY = 25;

/**
 * Writes attributes, each item on the condition that they are as they were. With a backup, a line of it is on the disk
 * before its item is written: whenever this ends, what was written can be restored, and what was not can be tried again.
 * Ctrl-C ends it after the items under way.
 *
 * @param ended aborted by Ctrl-C. Begin to listen for that before telling anybody that there is something to interrupt.
 * @throws what DynamoDB throws, after the items under way.
 */
export async function rewrite(
  items: AppItems,
  rewrites: readonly Rewrite[],
  terminal: Terminal,
  what: string,
  ended: AbortSignal,
  backup?: Backup,
): Promise<RewriteOutcome> {
  const outcome: RewriteOutcome = { written: 0, already: 0, conflicts: [], left: 0 };
  const onEnded = () => terminal.note("finishing the items in progress ...");
  ended.addEventListener("abort", onEnded);
  const progress = terminal.progress(what, rewrites.length);
  try {
    for (let from = 0; from < rewrites.length; from += CONCURRENCY) {
      const group = rewrites.slice(from, from + CONCURRENCY);
      if (ended.aborted) {
        outcome.left = rewrites.length - from;
        break;
      }
      await backup?.add(group);
      const settled = await Promise.allSettled(group.map((one) => rewriteOne(items, one, outcome)));
      const failed = settled.find(({ status }) => status === "rejected");
      if (failed) throw (failed as PromiseRejectedResult).reason;
      progress.to(from + group.length);
    }
  } finally {
    progress.end();
    ended.removeEventListener("abort", onEnded);
  }
  return outcome;
}

async function rewriteOne(
  items: AppItems,
  { appId, before, after }: Rewrite,
  outcome: RewriteOutcome,
): Promise<void> {
  try {
    await items.change(appId, after, before);
    outcome.written += 1;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    const now = await items.get(appId);
    if (now && hasAttributes(now, after)) outcome.already += 1;
    else outcome.conflicts.push(appId);
  }
}
