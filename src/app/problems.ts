/**
 * What can be wrong with an item, as stable codes. "error": something the operator wrote is not in force.
 * "warning": it is in force, though perhaps not as the operator thinks. docs/reference/items.md explains each. Those that begin with
 * "sockudo" say what a fleet of sockudo has no word for; only who writes for one is told.
 */
export const PROBLEM_CODES = {
  "not-an-item": "error",
  "identity-missing": "error",
  "identity-unreadable": "error",
  "spellings-disagree": "error",
  "overlap-unreadable": "error",
  "overlap-incomplete": "error",
  "flag-unreadable": "error",
  "limit-unreadable": "error",
  "webhooks-unreadable": "error",
  "webhook-unreadable": "error",
  "webhook-without-target": "error",
  "webhook-bad-url": "error",
  "webhook-bad-function": "error",
  "webhook-without-events": "error",
  "webhook-unknown-event": "error",
  "webhook-bad-filter": "error",
  "webhook-filter-ignored": "error",
  "webhook-header-ignored": "error",
  "webhook-lambda-option-ignored": "error",
  "sockudo-limit-ignored": "error",
  "sockudo-no-overlap": "error",
  "sockudo-webhook-option-ignored": "error",
  "problems-left-out": "error",
  "undocumented-spelling": "warning",
  "identity-not-text": "warning",
  "overlap-same-secret": "warning",
  "surrounding-space": "warning",
  "limit-truncated": "warning",
  "limit-too-large": "warning",
  "max-connections-zero": "warning",
  "webhooks-encoded-twice": "warning",
  "webhooks-not-utf8": "warning",
  "webhook-two-targets": "warning",
  "webhook-url-space": "warning",
  "webhook-events-not-a-list": "warning",
  "webhook-filter-not-text": "warning",
  "webhook-async-not-boolean": "warning",
  "sockudo-limit-too-large": "warning",
  "sockudo-limit-rounded": "warning",
  "sockudo-client-events-off": "warning",
  "sockudo-lambda-payload": "warning",
} as const satisfies Record<string, "error" | "warning">;

export type ProblemCode = keyof typeof PROBLEM_CODES;

export interface Problem {
  /** The attribute, under the name that soketi documents; "item" when the whole item is at fault. */
  readonly attribute: string;
  readonly code: ProblemCode;
  /**
   * What was expected, what was found, what to do. Names types, lengths and positions only, never a value:
   * problems are logged, and any attribute may hold a secret by mistake.
   */
  readonly message: string;
  readonly severity: "error" | "warning";
}

/** Adds a problem to the item at hand. */
export type Report = (attribute: string, code: ProblemCode, message: string) => void;

/** An item of 400 KB can hold a hundred thousand bad webhooks; a log line can't. */
const MAX_PROBLEMS = 50;

export function reportTo(problems: Problem[]): Report {
  return (attribute, code, message) => {
    if (problems.length < MAX_PROBLEMS) {
      problems.push({ attribute, code, message, severity: PROBLEM_CODES[code] });
    } else if (problems.length === MAX_PROBLEMS) {
      problems.push({
        attribute,
        code: "problems-left-out",
        message: `The item has more than ${MAX_PROBLEMS} problems; the rest is left out. Repair these first.`,
        severity: PROBLEM_CODES["problems-left-out"],
      });
    }
  };
}
