import type { PreviousSecret } from "./app.ts";
import { describe } from "./normalize-values.ts";
import type { Report } from "./problems.ts";
import { readAttribute, type Reading } from "./read-attribute.ts";

/** The two attributes of an overlap. They are ours: soketi reads neither, under no other name. */
export const OVERLAP_ATTRIBUTES = ["AppSecretPrevious", "AppSecretPreviousUntil"] as const;
const [PREVIOUS, UNTIL] = OVERLAP_ATTRIBUTES;

/** What is written to end an overlap: both attributes go. */
export const END_OF_OVERLAP: Readonly<Record<(typeof OVERLAP_ATTRIBUTES)[number], undefined>> = {
  AppSecretPrevious: undefined,
  AppSecretPreviousUntil: undefined,
};

/** Larger numbers are milliseconds, with which a secret that was given up would be taken for ever. Seconds since 1970. */
const MAX_UNTIL = 100_000_000_000;

const WHOLE_NUMBER = /^\d+$/;

const NO_OVERLAP = "The previous secret is refused";

/**
 * The overlap of a rotation, or undefined when there is none: in doubt, a secret that was given up is refused. Whether it is
 * over is not asked: that depends on a clock.
 *
 * @param secret the present one; undefined when the app cannot exist.
 */
export function readOverlap(
  attributes: unknown,
  secret: string | undefined,
  report: Report,
): PreviousSecret | undefined {
  const previous = readPrevious(readAttribute(attributes, PREVIOUS), report);
  const until = readUntil(readAttribute(attributes, UNTIL), report);
  if (previous === "absent" && until === "absent") return undefined;
  if (previous === "absent") {
    report(PREVIOUS, "overlap-incomplete", `Expected it beside ${UNTIL}; found nothing. Remove ${UNTIL}.`);
  } else if (until === "absent") {
    const advice = `${NO_OVERLAP}. Write ${UNTIL}, or remove ${PREVIOUS}.`;
    report(UNTIL, "overlap-incomplete", `Expected N beside ${PREVIOUS}; found nothing. ${advice}`);
  } else if (previous !== "unreadable" && until !== "unreadable") {
    if (previous.secret !== secret) return { secret: previous.secret, until };
    report(PREVIOUS, "overlap-same-secret", "The previous secret is the present one. Remove it.");
  }
  return undefined;
}

/** Exactly as written, white space included, as the present one. */
function readPrevious(reading: Reading, report: Report): { secret: string } | "absent" | "unreadable" {
  if (reading.kind === "absent") return "absent";
  if (reading.kind !== "text") {
    report(PREVIOUS, "overlap-unreadable", `Expected S; found ${describe(reading)}. ${NO_OVERLAP}.`);
    return "unreadable";
  }
  if (reading.type !== "S") {
    report(PREVIOUS, "identity-not-text", `Expected S; found ${reading.type}, taken as text. Write it as S.`);
  }
  return { secret: reading.text };
}

function readUntil(reading: Reading, report: Report): number | "absent" | "unreadable" {
  if (reading.kind === "absent") return "absent";
  if (reading.kind !== "text" || !WHOLE_NUMBER.test(reading.text.trim())) {
    const expected = "Expected a whole number of seconds since 1970";
    report(UNTIL, "overlap-unreadable", `${expected}; found ${describe(reading)}. ${NO_OVERLAP}.`);
    return "unreadable";
  }
  const digits = reading.text.trim();
  const until = Number(digits);
  if (until >= MAX_UNTIL) {
    const found = `Expected seconds since 1970; found a number of ${digits.length} digits: milliseconds?`;
    report(UNTIL, "overlap-unreadable", `${found} ${NO_OVERLAP}.`);
    return "unreadable";
  }
  if (reading.text !== digits) {
    report(UNTIL, "surrounding-space", "Read without the white space around it. Write it without.");
  }
  return until;
}
