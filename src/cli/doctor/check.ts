/** What one check has found. */
export interface Check {
  readonly name: string;
  /**
   * `skipped`: there is nothing to look at here, or it was not asked for. `not checked`: it should have been, and could not
   * be; nobody can say that it is well then.
   */
  readonly level: "ok" | "warning" | "fail" | "skipped" | "not checked";
  readonly found: string;
  /** What to do; not with `ok`. */
  readonly advice?: string | undefined;
}

export const ok = (name: string, found: string): Check => ({ name, level: "ok", found });

export const warning = (name: string, found: string, advice: string): Check => ({
  name,
  level: "warning",
  found,
  advice,
});

export const fail = (name: string, found: string, advice: string): Check => ({
  name,
  level: "fail",
  found,
  advice,
});

export const skipped = (name: string, found: string, advice?: string): Check => ({
  name,
  level: "skipped",
  found,
  advice,
});

export const unseen = (name: string, found: string, advice?: string): Check => ({
  name,
  level: "not checked",
  found,
  advice,
});
