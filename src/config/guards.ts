import { type EnvReader, shown } from "./env.ts";

/** What is guarded of soketi, a name for each; docs/reference/soketi.md says what it keeps from happening. */
export const GUARDS = [
  "connections",
  "messages",
  "requests",
  "statuses",
  "lookups",
  "drivers",
  "discovery",
  "output",
] as const;
export type GuardName = (typeof GUARDS)[number];

/** `APP_SYNC_GUARDS`: `all`, `off`, or all but some, as in `-statuses,-messages`. Default: all. */
export function readGuards(env: EnvReader): ReadonlySet<GuardName> {
  const value = env.text("APP_SYNC_GUARDS") ?? "all";
  if (value === "all") return new Set(GUARDS);
  if (value === "off") return new Set();
  const items = value.split(",").map((item) => item.trim());
  const unknown = items.findIndex((item) => !GUARDS.some((name) => item === `-${name}`));
  if (unknown >= 0) {
    env.wrong(
      "APP_SYNC_GUARDS",
      `all, off, or all but some of ${GUARDS.map((name) => `-${name}`).join(",")}`,
      `${shown(items[unknown] ?? "")} in item ${unknown + 1}`,
      "-statuses",
    );
  }
  return new Set(GUARDS.filter((name) => !items.includes(`-${name}`)));
}
