import type { AppItems } from "../../aws/app-items.ts";
import type { Attributes, RawItem } from "../../aws/raw-item.ts";
import type { App } from "../../app/app.ts";
import { type AppDiff, diff } from "../../app/diff.ts";
import { type Normalized, normalize } from "../../app/normalize.ts";
import { toPublicView } from "../../app/public-view.ts";
import { otherSpellings } from "../../app/spellings.ts";
import { inLine } from "../support/app-name.ts";
import { changedValues } from "../support/changed-values.ts";
import { RefusedChangeError } from "../support/errors.ts";
import { timeOf } from "../../app/iso-time.ts";

/** A write to one app that is ready to be made. */
export interface PlannedChange {
  readonly appId: string;
  /** Undefined: there is none yet, or it goes. */
  readonly before: RawItem | undefined;
  readonly after: RawItem | undefined;
  /** Makes it, on the condition that the item is as it was read. */
  write(items: AppItems): Promise<void>;
  /** The table had it in this form: what is wrong with it is no news. */
  readonly isAsExported?: boolean;
  /** What it does to the app, after "app acme": "is disabled". The changed attributes are named without it. */
  readonly outcome?: string | undefined;
  /** Told once, as soon as it is written: a new secret is nowhere else to be read. */
  readonly secret?: string | undefined;
  /** Until when the secret of before is taken. Seconds since 1970. */
  readonly previousSecretUntil?: number | undefined;
}

/** What a command does to any app. */
export interface AppChange {
  /** As the beginning of a question: "Disable". */
  readonly verb: string;
  /** It cannot be undone: also for one app it is asked whether to do it. */
  readonly isFinal?: true;
  /** @throws RefusedChangeError where it cannot be made. */
  plan(before: RawItem, appId: string): PlannedChange;
}

/** Sets attributes of an app that exists. Other names for the same attributes go: soketi might read them instead. */
export function updateOf(appId: string, before: RawItem, made: Attributes): PlannedChange {
  const others = Object.keys(made).flatMap(otherSpellings);
  const attributes: Attributes = {
    ...made,
    ...Object.fromEntries(others.filter((name) => name in before).map((name) => [name, undefined])),
  };
  const expected = Object.fromEntries(Object.keys(attributes).map((name) => [name, before[name]]));
  const after = Object.fromEntries(
    Object.entries({ ...before, ...attributes }).filter(([, value]) => value !== undefined),
  ) as RawItem;
  return { appId, before, after, write: (table) => table.change(appId, attributes, expected) };
}

/** @throws RefusedChangeError when there is no such app. */
export async function existing(items: AppItems, appId: string): Promise<RawItem> {
  const item = await items.get(appId);
  if (!item)
    throw new RefusedChangeError(
      `expected app ${inLine(appId)} in the table, found none: an app is named by its AppId`,
    );
  return item;
}

/** A change that may be made, and what it means. */
export interface CheckedChange {
  /** Undefined: nothing that soketi reads is different. */
  readonly difference: AppDiff | undefined;
  /** The key, where it is a new one. */
  readonly newKey: string | undefined;
  readonly is: Normalized | undefined;
}

/** @throws RefusedChangeError when the app would not be one, or not as it is meant. */
export async function checkChange(items: AppItems, change: PlannedChange): Promise<CheckedChange> {
  const { appId, before, after } = change;
  const was = before && normalize(before);
  const is = after && normalize(after);
  if (!change.isAsExported) refuseProblems(was, is);
  const newKey = is?.key === was?.key ? undefined : is?.key;
  if (newKey !== undefined) await refuseTakenKey(items, appId, newKey);
  return { difference: diff(was, is), newKey, is };
}

/** What `--json` shows of a change. */
export function jsonOfChange(
  { appId, secret, previousSecretUntil }: PlannedChange,
  { difference, is }: CheckedChange,
): Record<string, unknown> {
  return {
    appId,
    type: difference?.type ?? "unchanged",
    changed: difference?.changed ?? [],
    key: is?.key,
    secret,
    previousSecretUntil: previousSecretUntil === undefined ? undefined : timeOf(previousSecretUntil),
  };
}

/** What was done to the app, in one line. */
export function changeInWords({ appId, outcome }: PlannedChange, { difference, is }: CheckedChange): string {
  if (outcome !== undefined) return `app ${inLine(appId)} ${outcome}${difference ? "" : ", as before"}`;
  if (!difference) return `app ${inLine(appId)} is written`;
  return `app ${inLine(appId)} is ${difference.type}${pathsInWords(difference, is?.app)}`;
}

/** What would be done, and is not. */
export function dryRunInWords({ appId }: PlannedChange, { difference, is }: CheckedChange): string {
  if (!difference) return `app ${inLine(appId)}: nothing that soketi reads would change`;
  return `app ${inLine(appId)} would be ${difference.type}${pathsInWords(difference, is?.app)}`;
}

function pathsInWords({ changed }: AppDiff, app: App | undefined): string {
  const changes = changedValues(changed, app && toPublicView(app));
  return changes.length > 0 ? `: ${changes.join(", ")}` : "";
}

/** What the change brings; what was wrong before is not its matter, as long as the app exists. */
function refuseProblems(was: Normalized | undefined, is: Normalized | undefined): void {
  if (!is) return;
  const known = new Set(was?.problems.map(({ attribute, code }) => `${attribute} ${code}`));
  const wrong = is.problems.filter(
    ({ attribute, code, severity }) =>
      (severity === "error" || code === "max-connections-zero") && !known.has(`${attribute} ${code}`),
  );
  if (wrong.length === 0 && is.app) return;
  const lines = (wrong.length > 0 ? wrong : is.problems).map(
    ({ attribute, message }) => `  - ${attribute}: ${message}`,
  );
  throw new RefusedChangeError(
    `nodes would not read the app as intended, so nothing was written:\n${lines.join("\n")}`,
  );
}

/** The index lags, so two at the same moment are not seen: `validate` finds them. */
async function refuseTakenKey(items: AppItems, appId: string, key: string): Promise<void> {
  const others = (await items.idsByKey(key)).filter((id) => id !== appId);
  const [other] = others;
  if (other !== undefined)
    throw new RefusedChangeError(`expected an unused key, found that of app ${inLine(other)}`);
  if (key !== appId && (await items.get(key))) {
    throw new RefusedChangeError(`expected a key that is not an app's id, found app ${key}`);
  }
}
