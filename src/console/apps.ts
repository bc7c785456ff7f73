import { checkItem } from "../app/item-check.ts";
import { TableCheck } from "../app/table-check.ts";
import { backoff } from "../async/backoff.ts";
import type { AppRow, AppsPage } from "./state.ts";
import type { TableReads } from "./table-reads.ts";

/** Apps that are held: a page is no tool for more. */
const MAX_APPS = 10_000;

/** Apps of one answer, unless more are asked for. */
const PAGE = 100;

/** The whole table costs reads that soketi may need: changes of it are read one by one. Milliseconds. */
const WHOLE_EVERY_MS = 300_000;

/** A table that could not be read is read again so soon; then after twice as long each time, up to the above. Milliseconds. */
const FIRST_RETRY_MS = 5_000;

/** Changed apps that are read at once. */
const CONCURRENCY = 20;

/** The table's apps with their problems, worst first: read when they are asked for, and each again when it has changed. */
export class AppsView {
  readonly #items: TableReads;
  #rows = new Map<string, AppRow>();
  /** The same with what is wrong between them, until one changes. */
  #checked: readonly AppRow[] | undefined;
  #truncated = false;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  /** Of readings that failed one after the other: the last one's error, and until when it stands for the next. */
  #failed: { readonly error: unknown; readonly times: number; readonly until: number } | undefined;
  readonly #changed = new Set<string>();
  #catchingUp: Promise<void> | undefined;

  constructor(items: TableReads) {
    this.#items = items;
  }

  /**
   * Apps whose id, key or problems contain a text. Rejects when the table cannot be read.
   *
   * @param now milliseconds since 1970.
   * @param limit apps of the answer, from 1; 100 by default, at most 10,000.
   */
  async search(text: string, now: number, limit = PAGE): Promise<AppsPage> {
    if (now - this.#readAt > WHOLE_EVERY_MS) {
      this.#reading ??= this.#readUnlessFailed(now).finally(() => (this.#reading = undefined));
      await this.#reading;
    }
    const wanted = text.trim().toLowerCase();
    this.#checked ??= withShared(this.#rows);
    const matching = this.#checked.filter((row) => textOf(row).includes(wanted)).sort(worstFirst);
    return {
      apps: matching.slice(0, Math.min(MAX_APPS, Math.max(1, limit))),
      matching: matching.length,
      all: this.#rows.size,
      truncated: this.#truncated,
      readAt: this.#readAt,
    };
  }

  /** Apps have changed: they are read again. Resolves when they were, or could not be: the next search reads them then. */
  async changed(appIds: readonly string[]): Promise<void> {
    // Nobody has asked for apps yet.
    if (this.#readAt === Number.NEGATIVE_INFINITY && !this.#reading) return;
    for (const appId of appIds) this.#changed.add(appId);
    this.#catchingUp ??= this.#catchUp().finally(() => (this.#catchingUp = undefined));
    await this.#catchingUp;
  }

  async #catchUp(): Promise<void> {
    try {
      while (this.#changed.size > 0) {
        // A page of the table may have been read before the change, and must not come to stand over it.
        await this.#reading;
        const some = [...this.#changed].slice(0, CONCURRENCY);
        for (const appId of some) this.#changed.delete(appId);
        const found = await Promise.all(some.map((appId) => this.#items.get(appId)));
        this.#checked = undefined;
        some.forEach((appId, i) => {
          const item = found[i];
          if (!item) this.#rows.delete(appId);
          else if (this.#rows.has(appId) || this.#rows.size < MAX_APPS)
            this.#rows.set(appId, rowOf(item, Date.now()));
          else this.#truncated = true;
        });
      }
    } catch {
      this.#changed.clear();
      this.#readAt = Number.NEGATIVE_INFINITY;
    }
  }

  /** Pages ask again and again, and a scan that fails in its middle has cost as many reads as one that does not. */
  async #readUnlessFailed(now: number): Promise<void> {
    if (this.#failed && now < this.#failed.until) throw this.#failed.error;
    const began = performance.now();
    try {
      await this.#read(now);
      this.#failed = undefined;
    } catch (error) {
      const times = (this.#failed?.times ?? 0) + 1;
      const pauseMs = backoff(times, FIRST_RETRY_MS, WHOLE_EVERY_MS);
      this.#failed = { error, times, until: now + (performance.now() - began) + pauseMs };
      throw error;
    }
  }

  async #read(now: number): Promise<void> {
    const rows = new Map<string, AppRow>();
    let truncated = false;
    for await (const page of this.#items.pages()) {
      for (const item of page) {
        truncated = rows.size >= MAX_APPS;
        if (truncated) break;
        const row = rowOf(item, now);
        rows.set(row.id, row);
      }
      if (truncated) break;
    }
    this.#rows = rows;
    this.#checked = undefined;
    this.#truncated = truncated;
    this.#readAt = now;
  }
}

/** @param now milliseconds since 1970: overlaps end by the clock. */
function rowOf(item: Readonly<Record<string, unknown>>, now: number): AppRow {
  const { normalized, findings } = checkItem(item, now);
  const { id, key, app } = normalized;
  return {
    id: id ?? "(no AppId)",
    key: key ?? null,
    enabled: app?.enabled ?? null,
    maxConnections: app?.limits.maxConnections ?? null,
    webhooks: app?.webhooks.length ?? 0,
    problems: findings.map(({ attribute, code, severity, message }) => ({
      attribute,
      code,
      severity,
      message,
    })),
  };
}

/** With what is wrong between two apps, as each of them has it. */
function withShared(rows: ReadonlyMap<string, AppRow>): AppRow[] {
  const check = new TableCheck();
  for (const { id, key } of rows.values()) check.add(id, key ?? undefined);
  const all = new Map(rows);
  for (const { code, appIds, message } of check.problems()) {
    for (const appId of appIds) {
      const row = all.get(appId);
      const attribute = code === "key-shared" || appId !== appIds[0] ? "AppKey" : "AppId";
      const problem = { attribute, code, severity: "error", message };
      if (row) all.set(appId, { ...row, problems: [...row.problems, problem] });
    }
  }
  return [...all.values()];
}

function textOf({ id, key, problems, enabled }: AppRow): string {
  const words = problems.flatMap(({ attribute, code, severity }) => [attribute, code, severity]);
  const state = enabled === null ? "unusable" : enabled ? "" : "disabled";
  return [id, key ?? "", state, ...words].join(" ").toLowerCase();
}

/** An app that does not exist for soketi, then errors, then warnings. */
function worstFirst(a: AppRow, b: AppRow): number {
  return badness(b) - badness(a) || a.id.localeCompare(b.id);
}

function badness({ enabled, problems }: AppRow): number {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  return (enabled === null ? 10_000 : 0) + errors * 100 + problems.length;
}
