import type { AppItems } from "../adapters/dynamodb-items.ts";
import { normalize } from "../app/normalize.ts";
import type { AppRow, AppsPage } from "./state.ts";

/** Apps that are held: a page is no tool for more. */
const MOST = 10_000;

/** Apps of one answer. */
const PAGE = 100;

/** The table is not read more often, whatever changes. Milliseconds. */
const NOT_SOONER_MS = 10_000;

/** The table's apps with their problems, worst first; read when they are asked for, and changed ones one by one. */
export class AppsView {
  readonly #items: AppItems;
  readonly #rows = new Map<string, AppRow>();
  #cut = false;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(items: AppItems) {
    this.#items = items;
  }

  /** Rejects when the table cannot be read. */
  async search(text: string, now: number): Promise<AppsPage> {
    if (now - this.#readAt > NOT_SOONER_MS) {
      this.#reading ??= this.#read(now).finally(() => (this.#reading = undefined));
      await this.#reading;
    }
    const wanted = text.trim().toLowerCase();
    const matching = [...this.#rows.values()].filter((row) => textOf(row).includes(wanted)).sort(worstFirst);
    return {
      apps: matching.slice(0, PAGE),
      matching: matching.length,
      all: this.#rows.size,
      cut: this.#cut,
      readAt: this.#readAt,
    };
  }

  /** The next search reads this app again. */
  async changed(appId: string): Promise<void> {
    if (this.#readAt === Number.NEGATIVE_INFINITY) return;
    const item = await this.#items.get(appId);
    if (item) this.#rows.set(appId, rowOf(item));
    else this.#rows.delete(appId);
  }

  async #read(now: number): Promise<void> {
    const rows = new Map<string, AppRow>();
    let cut = false;
    for await (const page of this.#items.pages()) {
      for (const item of page) {
        const row = rowOf(item);
        rows.set(row.id, row);
      }
      cut = rows.size > MOST;
      if (cut) break;
    }
    this.#rows.clear();
    for (const [id, row] of rows) this.#rows.set(id, row);
    this.#cut = cut;
    this.#readAt = now;
  }
}

function rowOf(item: Readonly<Record<string, unknown>>): AppRow {
  const { id, key, app, problems } = normalize(item);
  return {
    id: id ?? "(no AppId)",
    key: key ?? null,
    enabled: app?.enabled ?? null,
    maxConnections: app?.limits.maxConnections ?? null,
    webhooks: app?.webhooks.length ?? 0,
    problems: problems.map(({ attribute, severity, message }) => ({ attribute, severity, message })),
  };
}

function textOf({ id, key, problems, enabled }: AppRow): string {
  const words = problems.flatMap(({ attribute, severity }) => [attribute, severity]);
  return [id, key ?? "", enabled === false ? "disabled" : "", ...words].join(" ").toLowerCase();
}

function worstFirst(a: AppRow, b: AppRow): number {
  return b.problems.length - a.problems.length || a.id.localeCompare(b.id);
}
