/** What one check has found. */
export interface Check {
  readonly name: string;
  /** `skipped`: it could not be made here, which is told and is no fault. */
  readonly level: "ok" | "warning" | "fail" | "skipped";
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
