import { FLAGS, LIMITS } from "./app.ts";
import type { AlwaysLimits, App, Limits, LimitName } from "./app.ts";
import { equal } from "./equal.ts";
import { describe, readFlag, readLimit } from "./normalize-values.ts";
import { readOverlap } from "./normalize-overlap.ts";
import { readWebhooks } from "./normalize-webhooks.ts";
import { reportTo } from "./problems.ts";
import type { Problem, Report } from "./problems.ts";
import type { Reading } from "./read-attribute.ts";
import { spellingsIn } from "./spellings.ts";
import type { AttributeName, FindSpellings, Spelled } from "./spellings.ts";

export { PROBLEM_CODES } from "./problems.ts";
export type { Problem } from "./problems.ts";

/** What an item says. */
export interface Normalized {
  /**
   * Absent when AppId, AppKey or AppSecret is missing, empty or unreadable. soketi would put the constants
   * "app-id", "app-key" and "app-secret" in their place, which everybody knows: whoever has read its source could
   * sign requests for such an app. So it must not exist.
   */
  readonly app?: App | undefined;
  /** `AppId`, whenever it is readable, even if the app is unusable. */
  readonly id?: string | undefined;
  /** `AppKey`, whenever it is readable, even if the app is unusable. */
  readonly key?: string | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Gives an item its one meaning: the rules of docs/reference/items.md.
 *
 * Takes anything, and never throws. What can't be read has its default and a problem; no problem tells a value.
 *
 * @param attributes the item as attribute values, with B as base64 text (a Lambda event), as bytes (an AWS SDK),
 * or as an emulator spells it.
 */
export function normalize(attributes: unknown): Normalized {
  const problems: Problem[] = [];
  const report = reportTo(problems);
  if (typeof attributes !== "object" || attributes === null) {
    report("item", "not-an-item", `Expected a map of attribute values; found ${typeof attributes}.`);
    return { problems };
  }
  const find = spellingsIn(attributes);
  const id = readIdentity(find, "AppId", report);
  const key = readIdentity(find, "AppKey", report);
  const secret = readIdentity(find, "AppSecret", report);
  // What is wrong with the rest is told also of an app that cannot exist.
  const previousSecret = readOverlap(attributes, secret, report);
  const settings = readSettings(find, report);
  const isApp = id !== undefined && key !== undefined && secret !== undefined;
  return { app: isApp ? { id, key, secret, previousSecret, ...settings } : undefined, id, key, problems };
}

function readSettings(
  find: FindSpellings,
  report: Report,
): Omit<App, "id" | "key" | "secret" | "previousSecret"> {
  const [enabled, enableClientMessages, enableUserAuthentication] = FLAGS.map((flag) =>
    readSpelled(find, flag.attribute, report, (spelled, tell) =>
      readFlag(flag.attribute, spelled.reading, flag.default, tell),
    ),
  ) as [boolean, boolean, boolean];
  return {
    enabled,
    enableClientMessages,
    enableUserAuthentication,
    limits: readLimits(find, report),
    webhooks: readSpelled(find, "Webhooks", report, ({ reading }, tell) => readWebhooks(reading, tell)),
  };
}

function readLimits(find: FindSpellings, report: Report): Limits {
  const limits: Partial<Record<LimitName, number>> = {};
  for (const row of LIMITS) {
    const value = readSpelled(find, row.attribute, report, (spelled, tell) => readLimit(row, spelled, tell));
    if (value !== undefined) limits[row.name] = value;
    else if (row.unset === "unlimited") limits[row.name] = -1;
  }
  return limits as AlwaysLimits;
}

function readIdentity(find: FindSpellings, attribute: AttributeName, report: Report): string | undefined {
  return readSpelled(find, attribute, report, ({ reading }, tell) => identityOf(attribute, reading, tell));
}

/** Exactly as written, white space included: clients send exactly that. */
function identityOf(attribute: string, reading: Reading, report: Report): string | undefined {
  if (reading.kind === "text") {
    if (reading.type !== "S") {
      report(
        attribute,
        "identity-not-text",
        `Expected S; found ${reading.type}, taken as text. Write it as S.`,
      );
    }
    return reading.text;
  }
  const consequence = "The app does not exist until this is repaired";
  if (reading.kind === "absent") {
    report(attribute, "identity-missing", `Expected S; found nothing. ${consequence}.`);
  } else {
    report(attribute, "identity-unreadable", `Expected S; found ${describe(reading)}. ${consequence}.`);
  }
  return undefined;
}

const ABSENT: Spelled = { name: "", value: undefined, reading: { kind: "absent" } };

/** Reads the spelling that soketi obeys, and tells of the others. */
function readSpelled<T>(
  find: FindSpellings,
  attribute: AttributeName,
  report: Report,
  read: (spelled: Spelled, report: Report) => T,
): T {
  const found = find(attribute);
  const effective = found[found.length - 1] ?? ABSENT;
  const value = read(effective, report);
  if (found.length === 0 || (found.length === 1 && effective.name === attribute)) return value;
  const undocumented = found.flatMap(({ name }) => (name === attribute ? [] : [name]));
  const disagree = found.some((spelled) => !equal(read(spelled, ignore), value));
  const advice = `Write ${attribute}, and remove ${undocumented.join(" and ")}.`;
  if (disagree) {
    const names = found.map(({ name }) => name).join(" and ");
    report(attribute, "spellings-disagree", `${names} differ; soketi uses ${effective.name}. ${advice}`);
  } else {
    const isOrAre = undocumented.length === 1 ? "is a spelling" : "are spellings";
    const what = `${undocumented.join(" and ")} ${isOrAre} that soketi reads but does not document`;
    report(attribute, "undocumented-spelling", `${what}. ${advice}`);
  }
  return value;
}

function ignore(): void {
  // What is wrong with a spelling that does not hold says nothing about the app.
}
