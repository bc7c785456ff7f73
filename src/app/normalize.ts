import { FLAGS, LIMITS } from "./app.ts";
import type { AlwaysLimits, App, Limits, LimitName } from "./app.ts";
import { describe, readFlag, readLimit } from "./normalize-values.ts";
import { readWebhooks } from "./normalize-webhooks.ts";
import { reportTo } from "./problems.ts";
import type { Problem, Report } from "./problems.ts";
import { readAttribute } from "./read-attribute.ts";

export { PROBLEM_CODES } from "./problems.ts";
export type { Problem } from "./problems.ts";

/** What an item says. */
export interface Normalized {
  /**
   * Absent when AppId, AppKey or AppSecret is missing, empty or unreadable. soketi would put the constants
   * "app-id", "app-key" and "app-secret" in their place, which everybody knows: whoever has read its source could
   * sign requests for such an app. So it must not exist.
   */
  readonly app?: App;
  /** `AppId`, whenever it is readable, even if the app is unusable. */
  readonly id?: string;
  /** `AppKey`, whenever it is readable, even if the app is unusable. */
  readonly key?: string;
  readonly problems: readonly Problem[];
}

/**
 * Gives an item its one meaning: the rules of docs/normalization.md.
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
  const id = readIdentity(attributes, "AppId", report);
  const key = readIdentity(attributes, "AppKey", report);
  const secret = readIdentity(attributes, "AppSecret", report);
  // What is wrong with the rest is told also of an app that cannot exist.
  const settings = readSettings(attributes, report);
  const result: { app?: App; id?: string; key?: string; problems: Problem[] } = { problems };
  if (id !== undefined && key !== undefined && secret !== undefined)
    result.app = { id, key, secret, ...settings };
  if (id !== undefined) result.id = id;
  if (key !== undefined) result.key = key;
  return result;
}

/** Exactly as written, white space included: clients send exactly that. */
function readIdentity(attributes: object, attribute: string, report: Report): string | undefined {
  const reading = readAttribute(attributes, attribute);
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

function readSettings(attributes: object, report: Report): Omit<App, "id" | "key" | "secret"> {
  const [enabled, enableClientMessages, enableUserAuthentication] = FLAGS.map((flag) =>
    readFlag(flag.attribute, readAttribute(attributes, flag.attribute), flag.default, report),
  ) as [boolean, boolean, boolean];
  return {
    enabled,
    enableClientMessages,
    enableUserAuthentication,
    limits: readLimits(attributes, report),
    webhooks: readWebhooks(readAttribute(attributes, "Webhooks"), report),
  };
}

function readLimits(attributes: object, report: Report): Limits {
  const limits: Partial<Record<LimitName, number>> = {};
  for (const row of LIMITS) {
    const value = readLimit(row, readAttribute(attributes, row.attribute), report);
    if (value !== undefined) limits[row.name] = value;
    else if (row.unset === "unlimited") limits[row.name] = -1;
  }
  return limits as AlwaysLimits;
}
