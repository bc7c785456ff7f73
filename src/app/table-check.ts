/** What only the whole table shows. Both are errors: one of the apps cannot work as its owner thinks. */
export interface TableProblem {
  readonly code: "key-shared" | "id-is-key";
  /** Every app that has a part in it, in the order of the table. */
  readonly appIds: readonly string[];
  readonly message: string;
}

/** Told of every item once, it knows what is wrong between them. Memory: id and key of each app. */
export class TableCheck {
  readonly #ids = new Set<string>();
  readonly #byKey = new Map<string, string[]>();

  add(appId: string | undefined, key: string | undefined): void {
    if (appId === undefined) return;
    this.#ids.add(appId);
    if (key === undefined) return;
    const known = this.#byKey.get(key);
    if (known) known.push(appId);
    else this.#byKey.set(key, [appId]);
  }

  problems(): TableProblem[] {
    const problems: TableProblem[] = [];
    for (const [key, appIds] of this.#byKey) {
      if (appIds.length > 1) {
        problems.push({
          code: "key-shared",
          appIds,
          message: `AppKey ${key} is that of ${appIds.length} apps: chance decides which one a client reaches. Give each its own.`,
        });
      }
      const others = appIds.filter((appId) => appId !== key);
      if (this.#ids.has(key) && others.length > 0) {
        problems.push({
          code: "id-is-key",
          appIds: [key, ...others],
          message: `AppId ${key} is the AppKey of ${others.join(", ")}: soketi's cache keeps both under one name. Change one.`,
        });
      }
    }
    return problems;
  }
}
