import type { PreviousSecretUse } from "../protocol/node.ts";
import { BoundedMap } from "./bounded-map.ts";

export interface PreviousSecretUsesOptions {
  /** Milliseconds since 1970: an overlap ends by the clock of the node. */
  readonly now: () => number;
  /** Called for the first use of an app's, then once for each hour with uses. Must not throw. */
  readonly onUsed: (use: PreviousSecretUse) => void;
}

/** Milliseconds. */
const REPORT_EVERY_MS = 3_600_000;

/** Apps that are counted by name: each is a series of two metrics. */
const MAX_APPS = 1_000;

/** In one answer of a node. */
const MAX_SHOWN = 20;

/** What stands for all others: no app's id is empty. */
const OTHERS = "";

/** Counts who has not changed over to the present secret, app by app. */
export class PreviousSecretUses {
  readonly #options: PreviousSecretUsesOptions;
  readonly #uses: BoundedMap<PreviousSecretUse>;
  readonly #reportedAt = new Map<string, number>();
  #others = { taken: 0, refused: 0 };

  constructor(options: PreviousSecretUsesOptions) {
    this.#options = options;
    // A counter never goes down: what is no longer counted by name is counted with the others.
    this.#uses = new BoundedMap(MAX_APPS, (appId, { taken, refused }) => {
      this.#reportedAt.delete(appId);
      this.#others = { taken: this.#others.taken + taken, refused: this.#others.refused + refused };
    });
  }

  /**
   * Something was signed with it.
   *
   * @param until end of the overlap, in seconds since 1970.
   * @returns whether it is taken: the overlap ends with the second that is named.
   */
  count(appId: string, until: number): boolean {
    const now = this.#options.now();
    const isTaken = now < until * 1_000;
    const before = this.#uses.get(appId);
    const use = {
      appId,
      until,
      taken: (before?.taken ?? 0) + (isTaken ? 1 : 0),
      refused: (before?.refused ?? 0) + (isTaken ? 0 : 1),
      lastTakenAt: isTaken ? now : (before?.lastTakenAt ?? null),
      lastRefusedAt: isTaken ? (before?.lastRefusedAt ?? null) : now,
    };
    this.#uses.set(appId, use);
    if (now - (this.#reportedAt.get(appId) ?? -Infinity) >= REPORT_EVERY_MS) {
      this.#reportedAt.set(appId, now);
      this.#options.onUsed(use);
    }
    return isTaken;
  }

  /** For tools: those that were used last, the latest first, and the one that is asked for. */
  shown(appId?: string): PreviousSecretUse[] {
    const latest = [...this.#uses.values()].slice(-MAX_SHOWN).reverse();
    const asked = appId === undefined ? undefined : this.#uses.get(appId);
    return !asked || latest.includes(asked) ? latest : [...latest, asked];
  }

  /** For metrics: app id and number. */
  counted(what: "taken" | "refused"): (readonly [string, number])[] {
    const named = [...this.#uses.values()].map((use) => [use.appId, use[what]] as const);
    return this.#others[what] > 0 ? [...named, [OTHERS, this.#others[what]]] : named;
  }
}
