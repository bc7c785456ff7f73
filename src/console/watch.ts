import { setTimeout as pause } from "node:timers/promises";
import type { Observer } from "./observer.ts";
import type { ChangeRow } from "./state.ts";

/** The log is looked at this often: one short command. Milliseconds. */
const FOLLOW_EVERY_MS = 200;

/** The nodes are asked this often, and when a change has come. Milliseconds. */
const ASK_EVERY_MS = 1_000;

export interface Watch {
  /** Why nothing is known now; null while all is well. */
  trouble(): string | null;
  stop(): Promise<void>;
}

export interface Watcher {
  /** Changes that have come, the oldest first. */
  changed(rows: readonly ChangeRow[]): void;
  /** There is something new to show. */
  news(): void;
}

/**
 * Lets an observer look again and again. Each on its own: a node that does not answer keeps the others' answers for one and a
 * half seconds, but no change from being shown. Resolves after the first look.
 */
export async function startWatch(observer: Observer, watcher: Watcher): Promise<Watch> {
  const stopping = new AbortController();
  const troubles = new Map<"log" | "nodes", string>();
  let isWoken = false;
  let nap = new AbortController();

  async function tried<T>(what: "log" | "nodes", work: Promise<T>): Promise<T | undefined> {
    try {
      const result = await work;
      troubles.delete(what);
      return result;
    } catch (error) {
      troubles.set(what, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  async function follow(): Promise<void> {
    const rows = (await tried("log", observer.follow())) ?? [];
    if (rows.length === 0) return;
    watcher.changed(rows);
    watcher.news();
    isWoken = true;
    nap.abort();
  }

  async function ask(): Promise<void> {
    isWoken = false;
    await tried("nodes", observer.ask(Date.now()));
    watcher.news();
  }

  async function pollLog(): Promise<void> {
    while (await paused(FOLLOW_EVERY_MS, stopping.signal)) await follow();
  }

  async function pollNodes(): Promise<void> {
    while (await nextQuestion()) await ask();
  }

  async function nextQuestion(): Promise<boolean> {
    nap = new AbortController();
    if (!isWoken && !stopping.signal.aborted) await paused(ASK_EVERY_MS, nap.signal);
    return !stopping.signal.aborted;
  }

  await follow();
  await ask();
  const loops = Promise.all([pollLog(), pollNodes()]);
  return {
    trouble: () => troubles.get("log") ?? troubles.get("nodes") ?? null,
    async stop() {
      stopping.abort();
      nap.abort();
      await loops;
    },
  };
}

/** False as soon as it is over. */
function paused(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal }).catch(() => false);
}
