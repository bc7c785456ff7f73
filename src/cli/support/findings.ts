import type { App } from "../../app/app.ts";
import { checkItem, type ItemFinding } from "../../app/item-check.ts";
import type { Problem } from "../../app/problems.ts";
import type { AttributeWrite } from "../../app/repair.ts";
import { TableCheck } from "../../app/table-check.ts";

/** An item as an attribute map, wherever it comes from. */
export type Item = Readonly<Record<string, unknown>>;

export interface AppFindings {
  /** Absent when the item has no readable AppId. */
  readonly appId: string | undefined;
  readonly findings: readonly ItemFinding[];
}

/** What is known of a whole table, or of a file, when it has been read. */
export interface Report {
  readonly items: number;
  /** Apps with findings, worst first. */
  readonly apps: readonly AppFindings[];
  /** Of each code: how many items have it. Most frequent first. */
  readonly summary: readonly { readonly code: string; readonly items: number }[];
}

/** Apps with findings that are kept: a table of a million bad items is told of in numbers, and by its worst. */
const MAX_APPS = 20_000;

type ProblemsOf = (app: App) => readonly Problem[];

/** Gathers what is wrong with items, one after the other, and between them. */
export class Findings {
  readonly #now: number;
  readonly #problemsOf: ProblemsOf;
  #items = 0;
  #apps: AppFindings[] = [];
  readonly #counts = new Map<string, number>();
  readonly #check = new TableCheck();

  /**
   * @param now milliseconds since 1970: overlaps end by the clock.
   * @param problemsOf more of an app than its item shows, as of a server other than soketi. Default none.
   */
  constructor(now: number, problemsOf: ProblemsOf = () => []) {
    this.#now = now;
    this.#problemsOf = problemsOf;
  }

  /** @returns what can be rewritten in it. */
  add(item: Item): readonly AttributeWrite[] {
    this.#items += 1;
    const { normalized, repairs, findings } = checkItem(item, this.#now);
    const { id, key } = normalized;
    this.#check.add(id, key);
    const more = normalized.app ? this.#problemsOf(normalized.app) : [];
    this.#keep(id, [...findings, ...more.map((problem) => ({ ...problem, fixable: false }))]);
    return repairs;
  }

  report(): Report {
    const between = this.#check.problems();
    for (const { code, appIds, message } of between) {
      for (const appId of appIds) {
        const attribute = code === "key-shared" || appId !== appIds[0] ? "AppKey" : "AppId";
        this.#keep(appId, [{ severity: "error", attribute, code, message, fixable: false }]);
      }
    }
    return {
      items: this.#items,
      apps: united(this.#apps).sort(worstFirst),
      summary: [...this.#counts]
        .map(([code, items]) => ({ code, items }))
        .sort((a, b) => b.items - a.items || a.code.localeCompare(b.code)),
    };
  }

  #keep(appId: string | undefined, findings: readonly ItemFinding[]): void {
    if (findings.length === 0) return;
    for (const code of new Set(findings.map(({ code }) => code))) {
      this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    }
    this.#apps.push({ appId, findings });
    if (this.#apps.length > 2 * MAX_APPS) this.#apps = this.#apps.sort(worstFirst).slice(0, MAX_APPS);
  }
}

/** An app that has a problem of its own and one with another is one app. */
function united(apps: readonly AppFindings[]): AppFindings[] {
  const byId = new Map<string, AppFindings>();
  const without: AppFindings[] = [];
  for (const one of apps) {
    if (one.appId === undefined) without.push(one);
    else {
      const known = byId.get(one.appId);
      byId.set(one.appId, known ? { ...known, findings: [...known.findings, ...one.findings] } : one);
    }
  }
  return [...byId.values(), ...without];
}

function worstFirst(a: AppFindings, b: AppFindings): number {
  return (
    errorsOf(b) - errorsOf(a) ||
    b.findings.length - a.findings.length ||
    (a.appId ?? "").localeCompare(b.appId ?? "")
  );
}

function errorsOf({ findings }: AppFindings): number {
  return findings.filter(({ severity }) => severity === "error").length;
}
