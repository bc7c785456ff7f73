import type { Fleet } from "../redis/fleet.ts";
import { type LogRow, plausibleLag, rowsOf } from "../fleet/log-rows.ts";
import { compareMessageIds, type MessageId } from "../protocol/message-id.ts";
import { type NodeView, viewOf } from "../fleet/node-view.ts";
import { isOf, type OwnWrite, OwnWrites } from "./own-writes.ts";
import { Series } from "./series.ts";
import type { ChangeRow } from "./state.ts";

/** Changes that are kept to be shown. */
const MAX_ROWS = 200;

/** A node that was not seen for so long is another one when it comes back. Milliseconds. */
const FORGOTTEN_MS = 600_000;

export type ObservedFleet = Pick<Fleet, "ask" | "tail" | "messages">;

interface Row extends Omit<ChangeRow, "drops" | "wroteAt"> {
  readonly drops: Record<string, number>;
  wroteAt?: number | undefined;
}

/** Watches the log and the nodes: who makes it look decides how often. */
export class Observer {
  nodes: readonly NodeView[] = [];
  tail: MessageId | undefined;
  readonly series = new Series();
  readonly #fleet: ObservedFleet;
  readonly #quietApp: string | undefined;
  readonly #writes = new OwnWrites();
  readonly #rows: Row[] = [];
  #cursor: MessageId | undefined;
  #begun = false;
  readonly #lastSeen = new Map<string, { readonly messages: ReadonlySet<string>; readonly at: number }>();

  /** @param quietApp an app whose changes are not shown: the canary's, which would push out all others. */
  constructor(fleet: ObservedFleet, quietApp?: string) {
    this.#fleet = fleet;
    this.#quietApp = quietApp;
  }

  /** The newest first. */
  get changes(): readonly ChangeRow[] {
    return this.#rows;
  }

  /** This console has written an app. */
  wrote(write: OwnWrite): void {
    // The newest come first: the oldest that fits is its change, if that was faster than the answer to the write.
    const row = this.#rows.filter((one) => one.wroteAt === undefined && isOf(one, write)).at(-1);
    if (row) row.wroteAt = write.at;
    else this.#writes.add(write);
  }

  /**
   * Reads what is new in the log. Rejects when Redis does not answer.
   *
   * @returns the new changes, the oldest first.
   */
  async follow(): Promise<ChangeRow[]> {
    this.tail = await this.#fleet.tail();
    if (!this.#begun) {
      // The last ones of before, so that the page is not empty.
      this.#begun = true;
      const last = this.tail;
      this.#cursor = last && { ...last, seq: Math.max(0, last.seq - MAX_ROWS) };
    }
    const { tail } = this;
    if (!tail) return [];
    // A log that was restored, or begun anew by a clock that is behind, has smaller ids.
    if (this.#cursor && compareMessageIds(tail, this.#cursor) < 0) this.#cursor = undefined;
    const found: Row[] = [];
    while (!this.#cursor || compareMessageIds(this.#cursor, tail) < 0) {
      const entries = await this.#fleet.messages(this.#cursor);
      for (const entry of entries) {
        this.#cursor = entry.id;
        const rows = rowsOf(entry)
          .map(changeRowOf)
          .filter(({ appId }) => appId === undefined || appId !== this.#quietApp);
        found.push(...rows.map((row) => this.#withWrite(row)));
      }
      if (entries.length === 0) break;
    }
    this.#rows.unshift(...found.slice(-MAX_ROWS).reverse());
    this.#rows.splice(MAX_ROWS);
    return found;
  }

  /** Asks all nodes, at `now` in milliseconds since 1970. Rejects when Redis does not answer. */
  async ask(now: number): Promise<void> {
    // Read before the nodes are asked: none can be behind what came later.
    const { tail } = this;
    const nodes = await this.#fleet.ask();
    this.nodes = nodes.map((node) => viewOf(node, tail));
    for (const { id, answer } of nodes) {
      if (!answer) continue;
      this.series.counted(id, answer, now);
      this.#noteDrops(id, answer.recent, now);
    }
    for (const [id, { at }] of this.#lastSeen) {
      if (now - at < FORGOTTEN_MS) continue;
      this.#lastSeen.delete(id);
      this.series.forget(id);
    }
  }

  #withWrite(row: Row): Row {
    return { ...row, wroteAt: this.#writes.take(row) };
  }

  #noteDrops(node: string, recent: readonly (readonly [string, number])[], now: number): void {
    const before = this.#lastSeen.get(node)?.messages;
    for (const [message, lag] of recent) {
      const lagMs = plausibleLag(lag);
      // Clocks differ: doctor says by how much.
      if (lagMs === null) continue;
      for (const row of this.#rows) if (row.message === message) row.drops[node] = lagMs;
      // What a node did before it was first asked belongs to no time that is shown.
      if (before && !before.has(message)) this.series.lag(lagMs, now);
    }
    this.#lastSeen.set(node, { messages: new Set(recent.map(([message]) => message)), at: now });
  }
}

/** What nodes cannot read makes them forget everything: here it is a flush as any other. */
const UNREADABLE = {
  malformed: "a message that cannot be read",
  unsupported: "a message of another version",
} as const;

function changeRowOf({ type, changed = [], reason, ...row }: LogRow, place: number): Row {
  const id = row.appId === undefined ? row.message : `${row.message}/${place}`;
  if (type === "malformed" || type === "unsupported") {
    return { id, ...row, type: "flush", changed, reason: UNREADABLE[type], drops: {} };
  }
  return { id, ...row, type, changed, reason, drops: {} };
}
