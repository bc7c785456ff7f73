import { type CloseCodes, closeMessage } from "./close-causes.ts";
import type { Closer } from "./closer.ts";
import type { ConnectionLimits } from "./ports.ts";

export interface LimitEnforcerOptions<A> {
  readonly limits: ConnectionLimits<A>;
  readonly closer: Closer;
  readonly closeCodes: CloseCodes;
}

/** So long after it had too many, an app's connections are counted again. Milliseconds. */
const RECOUNT_MS = 1_000;

/** Most connections of an app that are closed between two counts: more at once would hold the event loop. */
const MAX_PER_COUNT = 1_000;

/**
 * Closes the newest connections of an app that has more than it may have, since its limit was lowered.
 *
 * Each node closes its share of what is too many in the whole fleet. Nodes count at different times, and while others are
 * closing: so it is counted again until there are no longer too many.
 */
export class LimitEnforcer<A> {
  readonly #options: LimitEnforcerOptions<A>;
  /** Apps that may have too many, as they are now. */
  readonly #apps = new Map<string, A>();
  readonly #inProgress = new Set<string>();

  constructor(options: LimitEnforcerOptions<A>) {
    this.#options = options;
  }

  /** The app has changed. Null: all its connections are closed, though not by this. */
  check(appId: string, app: A | null): void {
    if (!app) {
      this.#apps.delete(appId);
      return;
    }
    this.#apps.set(appId, app);
    if (this.#inProgress.has(appId)) return;
    this.#inProgress.add(appId);
    void this.#enforce(appId);
  }

  stop(): void {
    this.#apps.clear();
  }

  /** Never rejects. */
  async #enforce(appId: string): Promise<void> {
    for (let app = this.#apps.get(appId); app !== undefined; app = this.#apps.get(appId)) {
      // When the other nodes cannot be asked, they are asked again.
      const surplus = await this.#options.limits.surplus(appId, app).catch(() => undefined);
      if (this.#apps.get(appId) !== app) continue;
      if (surplus === 0) this.#apps.delete(appId);
      else await this.#closeNewest(appId, wholeOf(surplus ?? 0));
    }
    this.#inProgress.delete(appId);
  }

  async #closeNewest(appId: string, count: number): Promise<void> {
    const { limits, closer, closeCodes } = this.#options;
    for (const connection of limits.newest(appId, Math.min(count, MAX_PER_COUNT))) {
      const [code, message] = [closeCodes["over-limit"], closeMessage("over-limit", connection.key)];
      closer.add(appId, { connection, code, message });
    }
    await new Promise<void>((resolve) => setTimeout(resolve, RECOUNT_MS).unref());
  }
}

/**
 * A share as a whole number, which on average is the share. Rounded up by every node, a limit lowered by one would cost a
 * connection on each of them.
 */
function wholeOf(share: number): number {
  const whole = Math.floor(share);
  return Math.random() < share - whole ? whole + 1 : whole;
}
