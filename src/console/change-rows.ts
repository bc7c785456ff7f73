import type { LogRow } from "../fleet/log-rows.ts";
import { Bulk, Burst } from "./burst.ts";
import type { ChangeRow } from "./state.ts";

/** Rows that are kept to be shown. */
export const MAX_ROWS = 200;

export interface Row extends Omit<ChangeRow, "drops" | "wroteAt"> {
  readonly drops: Record<string, number>;
  wroteAt?: number | undefined;
}

/** Changes as they are shown, the newest first. What many apps go through at once is one row. */
export class ChangeRows {
  #rows: (Row | Bulk)[] = [];
  /** By what their changes have in common. */
  readonly #bursts = new Map<string, Burst<Row>>();

  list(): readonly ChangeRow[] {
    return this.#rows;
  }

  /** Of one app each, the newest first. */
  single(): readonly Row[] {
    return this.#rows.filter((row) => !(row instanceof Bulk));
  }

  /** @param rows the oldest first. */
  add(rows: readonly Row[]): void {
    for (const row of rows) this.#add(row);
    this.#rows.splice(MAX_ROWS);
  }

  /** A node has dropped what a message named, so many milliseconds after the function's invocation. */
  dropped(message: string, node: string, lagMs: number): void {
    for (const row of this.#rows) {
      if (row instanceof Bulk) row.dropped(message, node, lagMs);
      else if (row.message === message) row.drops[node] = lagMs;
    }
  }

  #add(row: Row): void {
    const burst = row.appId === undefined ? undefined : this.#burstOf(row);
    if (!burst) {
      this.#rows.unshift(row);
      return;
    }
    const was = burst.bulk;
    burst.add(row);
    const { bulk } = burst;
    if (!bulk) this.#rows.unshift(row);
    else if (!was) {
      const united = new Set<Row | Bulk>(burst.rows);
      this.#rows = [bulk, ...this.#rows.filter((one) => !united.has(one))];
    }
  }

  #burstOf(row: Row): Burst<Row> {
    for (const [kind, burst] of this.#bursts) if (burst.isOver(row)) this.#bursts.delete(kind);
    const kind = JSON.stringify([row.type, row.by, row.reason]);
    const burst = this.#bursts.get(kind) ?? new Burst<Row>();
    this.#bursts.set(kind, burst);
    return burst;
  }
}

/** What nodes cannot read makes them forget everything: here it is a flush as any other. */
const UNREADABLE = {
  malformed: "a message that cannot be read",
  unsupported: "a message of another version",
} as const;

/** @param place in its message. */
export function changeRowOf({ type, changed = [], reason, ...row }: LogRow, place: number): Row {
  const id = row.appId === undefined ? row.message : `${row.message}/${place}`;
  if (type === "malformed" || type === "unsupported") {
    return { id, ...row, type: "flush", changed, reason: UNREADABLE[type], drops: {} };
  }
  return { id, ...row, type, changed, reason, drops: {} };
}
