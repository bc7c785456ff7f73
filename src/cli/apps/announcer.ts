import { setTimeout as pause } from "node:timers/promises";
import type { AppDiff } from "../../app/diff.ts";
import { MAX_CHANGES } from "../../protocol/encode.ts";
import { announce, type AnnounceOptions, whoIs } from "../support/announce.ts";
import type { Run } from "../support/command.ts";

/** Tells the nodes of many changes, with few messages. */
export interface Announcer {
  /** To be called when the change is written. */
  add(difference: AppDiff): void;
  /** Resolves when all have been told, with the last message's id; undefined when one was not told, or there was none. */
  finish(): Promise<string | undefined>;
}

/** What is written within this time goes into one message. Milliseconds. */
const GATHER_MS = 20;

/** Where no Redis is configured, nobody is told. */
export async function createAnnouncer(run: Run, options: AnnounceOptions): Promise<Announcer> {
  const isPossible = run.tools.config.redis !== undefined;
  const by = isPossible ? await whoIs(options, run.tools.config) : "";
  let queue: AppDiff[] = [];
  let sending: Promise<void> | undefined;
  let last: string | undefined;
  let hasFailed = !isPossible;

  async function send(): Promise<void> {
    while (queue.length > 0) {
      await pause(GATHER_MS);
      const batch = queue.slice(0, MAX_CHANGES);
      queue = queue.slice(MAX_CHANGES);
      // The stream tells of the rest, too: a Redis that is away is not asked again for each.
      if (hasFailed) continue;
      last = await announce(run, batch, { by, reason: options.reason });
      hasFailed = last === undefined;
    }
    sending = undefined;
  }

  return {
    add(difference) {
      queue.push(difference);
      sending ??= send();
    },
    async finish() {
      await sending;
      return hasFailed ? undefined : last;
    },
  };
}
