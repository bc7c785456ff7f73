import { valueAt } from "../app/public-view.ts";
import type { ChangeRow } from "./state.ts";

/** A write that this console has made. */
export interface OwnWrite {
  readonly appId: string;
  /** What it changed, as a change names it: `limits.maxConnections`. */
  readonly path: string;
  /** What it is now, where that may be shown. */
  readonly value?: unknown;
  /** Milliseconds since 1970. */
  readonly at: number;
}

type Seen = Omit<ChangeRow, "drops">;

/** This console's writes until they come by in the log: no stream tells the millisecond of a write. */
export class OwnWrites {
  #pending: OwnWrite[] = [];

  add(write: OwnWrite): void {
    this.#pending.push(write);
  }

  /**
   * When the change of a row was written; undefined for someone else's. Of merged writes, the oldest.
   *
   * A row settles all writes before it: a write that changed nothing has no row, and must not lend its time to a later
   * one. An uncertain time is not returned.
   */
  take(row: Seen): number | undefined {
    // What was announced did not come through the stream, and says nothing about its time.
    if (row.by !== undefined) return undefined;
    const past = this.#pending.filter(({ appId, at }) => appId === row.appId && at <= (row.at ?? 0));
    this.#pending = this.#pending.filter((write) => !past.includes(write));
    return past.find((write) => isChangeOf(row, write))?.at;
  }
}

/** Whether a row can be the change that a write has made. */
export function isChangeOf({ appId, at = 0, changed, app, by }: Seen, write: OwnWrite): boolean {
  const { path, value } = write;
  if (by !== undefined) return false;
  if (appId !== write.appId || at < write.at || !changed.includes(path)) return false;
  return value === undefined || value === valueAt(app, path);
}
