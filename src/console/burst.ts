import type { ChangeRow } from "./state.ts";

type One = Omit<ChangeRow, "drops">;

/** So many changes of one kind, each soon after the other, are one row. */
export const BULK_FROM = 12;

/** What comes later than this after the last is no part of it. Milliseconds. */
const GAP_MS = 1_000;

/** Apps and attributes that a row of many names. */
const NAMED = 3;

/** Messages that drops are looked for in: more than a node remembers. */
const MAX_MESSAGES = 1_000;

/** Changes of one kind that come soon after each other. */
export class Burst<R extends One = One> {
  /** Until they are united. */
  readonly rows: R[] = [];
  bulk: Bulk | undefined;
  #lastAt = 0;

  /** Whether a row comes too late to be one of them. */
  isOver({ at = 0 }: One): boolean {
    return this.#lastAt > 0 && at - this.#lastAt > GAP_MS;
  }

  add(row: R): void {
    this.#lastAt = Math.max(this.#lastAt, row.at ?? 0);
    if (this.bulk) this.bulk.add(row);
    else {
      this.rows.push(row);
      if (this.rows.length >= BULK_FROM) this.bulk = new Bulk(this.rows);
    }
  }
}

/** One row for many changes. Says what the first said, and of nodes what is known of the last message. */
export class Bulk implements ChangeRow {
  readonly id: string;
  readonly type: string;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
  readonly at?: number | undefined;
  readonly writtenAt?: number | undefined;
  appId?: string | undefined;
  message = "";
  readonly #apps = new Set<string>();
  readonly #paths = new Set<string>();
  readonly #messages = new Set<string>();
  readonly #longest = new Map<string, number>();
  /** Nodes that have dropped what the last message named. */
  readonly #done = new Set<string>();
  #count = 0;

  constructor(rows: readonly One[]) {
    const [first] = rows;
    this.id = `${first?.id ?? ""}…`;
    this.type = first?.type ?? "updated";
    this.by = first?.by;
    this.reason = first?.reason;
    this.at = first?.at;
    this.writtenAt = first?.writtenAt;
    for (const row of rows) this.add(row);
  }

  get changed(): readonly string[] {
    return [...this.#paths];
  }

  get bulk(): NonNullable<ChangeRow["bulk"]> {
    return { changes: this.#count, apps: this.#apps.size, named: [...this.#apps].slice(0, NAMED) };
  }

  get drops(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#longest].filter(([node]) => this.#done.has(node)));
  }

  add({ appId = "", message, changed }: One): void {
    this.#count += 1;
    this.#apps.add(appId);
    this.appId = this.#apps.size === 1 ? appId : undefined;
    for (const path of changed) this.#paths.add(path);
    if (message === this.message) return;
    this.message = message;
    this.#done.clear();
    this.#messages.add(message);
    const [oldest] = this.#messages;
    if (oldest !== undefined && this.#messages.size > MAX_MESSAGES) this.#messages.delete(oldest);
  }

  dropped(message: string, node: string, lagMs: number): void {
    if (!this.#messages.has(message)) return;
    this.#longest.set(node, Math.max(lagMs, this.#longest.get(node) ?? 0));
    if (message === this.message) this.#done.add(node);
  }

  /** Its getters are what is sent. */
  toJSON(): ChangeRow {
    const { id, message, appId, type, changed, by, reason, at, writtenAt, drops, bulk } = this;
    return { id, message, appId, type, changed, by, reason, at, writtenAt, drops, bulk };
  }
}
