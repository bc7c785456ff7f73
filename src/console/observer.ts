import type { Fleet } from "../adapters/redis-fleet.ts";
import { decodeMessage } from "../protocol/message.ts";
import { formatMessageId, type MessageId } from "../protocol/message-id.ts";
import type { LogEntry } from "../protocol/live.ts";
import { type NodeView, viewOf } from "../protocol/node-view.ts";
import { Series } from "./series.ts";
import type { ChangeRow } from "./state.ts";

/** Changes that are kept to be shown. */
const KEPT = 200;

interface Row extends Omit<ChangeRow, "drops" | "wroteAt"> {
  readonly drops: Record<string, number>;
  wroteAt?: number;
}

/** Watches the log and the nodes: who makes it look decides how often. */
export class Observer {
  nodes: readonly NodeView[] = [];
  tail: MessageId | undefined;
  readonly series = new Series();
  readonly #fleet: Fleet;
  readonly #rows: Row[] = [];
  #cursor: MessageId | undefined;
  #begun = false;
  /** Those whose change has not come yet. */
  #writes: { readonly appId: string; readonly at: number }[] = [];
  readonly #lastSeen = new Map<string, ReadonlySet<string>>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** This console has written an app at that time: the first change of it from then on is that. */
  wrote(appId: string, at: number): void {
    const row = [...this.#rows].reverse().find((one) => one.appId === appId && isOf(one, at));
    if (row) row.wroteAt = at;
    else this.#writes.push({ appId, at });
  }

  /** The newest first. */
  get changes(): readonly ChangeRow[] {
    return this.#rows;
  }

  /**
   * Reads what is new in the log, and asks all nodes. Rejects when Redis does not answer.
   *
   * @returns ids of the apps that have changed.
   */
  async look(now: number): Promise<string[]> {
    this.tail = await this.#fleet.tail();
    if (!this.#begun) {
      // The last ones of before, so that the page is not empty; when they were dropped is not known any more.
      this.#begun = true;
      const last = this.tail;
      this.#cursor = last && { ...last, seq: Math.max(0, last.seq - KEPT) };
    }
    const changed = await this.#readLog();
    const nodes = await this.#fleet.ask();
    this.nodes = nodes.map((node) => viewOf(node, this.tail));
    for (const { id, answer } of nodes) {
      if (!answer) continue;
      this.series.counted(id, answer, now);
      this.#noteDrops(id, answer.recent, now);
    }
    return changed;
  }

  async #readLog(): Promise<string[]> {
    const changed: string[] = [];
    for (;;) {
      const entries = await this.#fleet.messages(this.#cursor);
      for (const entry of entries) {
        this.#cursor = entry.id;
        const rows = rowsOf(entry).map((row) => this.#withWrite(row));
        changed.push(...rows.flatMap(({ appId }) => appId ?? []));
        this.#rows.unshift(...rows.reverse());
      }
      this.#rows.splice(KEPT);
      if (entries.length === 0) break;
    }
    // A log that has begun anew has smaller ids.
    if (this.tail && this.#cursor && this.tail.epoch < this.#cursor.epoch) this.#cursor = undefined;
    return changed;
  }

  /** Several writes may have become one change: the oldest counts. */
  #withWrite(row: Row): Row {
    const mine = this.#writes.filter(({ appId, at }) => appId === row.appId && isOf(row, at));
    const [first] = mine;
    if (!first) return row;
    this.#writes = this.#writes.filter((write) => !mine.includes(write));
    return { ...row, wroteAt: first.at };
  }

  #noteDrops(node: string, recent: readonly (readonly [string, number])[], now: number): void {
    const before = this.#lastSeen.get(node);
    for (const [message, lagMs] of recent) {
      if (before?.has(message)) continue;
      for (const row of this.#rows) if (row.message === message) row.drops[node] = lagMs;
      // What a node did before it was first asked belongs to no time that is shown.
      if (before) this.series.lag(lagMs, now);
    }
    this.#lastSeen.set(node, new Set(recent.map(([message]) => message)));
  }
}

function rowsOf({ id, json }: LogEntry): Row[] {
  const message = formatMessageId(id);
  const decoded = decodeMessage(json);
  if (decoded.kind === "changes") {
    const { at, changes } = decoded.message;
    return changes.map(({ appId, type, changed, writtenAt, app }, i) => ({
      ...{ id: `${message}/${i}`, message, appId, type, changed, at, drops: {} },
      ...(writtenAt === undefined ? {} : { writtenAt }),
      ...(app ? { app } : {}),
    }));
  }
  const row = { id: message, message, type: "flush", changed: [], drops: {} };
  if (decoded.kind === "flush") {
    const { at, flush } = decoded.message;
    return [{ ...row, reason: flush, ...(at === undefined ? {} : { at }) }];
  }
  return [
    {
      ...row,
      reason: decoded.kind === "malformed" ? "a message that cannot be read" : "a message of another version",
    },
  ];
}

/** Whether a change that nobody has claimed can be that of a write. */
function isOf({ at, wroteAt }: Row, written: number): boolean {
  return at !== undefined && wroteAt === undefined && at >= written;
}
