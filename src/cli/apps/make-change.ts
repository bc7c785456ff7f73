import type { Command } from "commander";
import type { AppItems } from "../../aws/app-items.ts";
import type { Attributes, RawItem } from "../../aws/raw-item.ts";
import type { App } from "../../app/app.ts";
import { type AppDiff, diff } from "../../app/diff.ts";
import { toPublicView, valueAt } from "../../app/public-view.ts";
import { type Normalized, normalize } from "../../app/normalize.ts";
import { otherSpellings } from "../../app/spellings.ts";
import type { Run } from "../support/command.ts";
import { addAnnounceOptions, announce, type AnnounceOptions, whoIs } from "../support/announce.ts";
import { addWaitOptions, beginWait, confirmByNodes, type WaitOptions } from "../support/confirm.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import type { CommonOptions } from "../support/tools.ts";
import { watchLog } from "../../fleet/watch-log.ts";
import { RefusedChangeError } from "../support/errors.ts";
import { timeOf } from "../../app/iso-time.ts";
import { explain } from "../support/explain.ts";
import type { MessageId } from "../../protocol/message-id.ts";

export type ChangeOptions = CommonOptions & WaitOptions & AnnounceOptions;

export function addChangeOptions(command: Command): Command {
  return addAnnounceOptions(addWaitOptions(command));
}

/** A write to one app that is ready to be made. */
export interface PlannedChange {
  readonly appId: string;
  /** Undefined: there is none yet, or it goes. */
  readonly before: RawItem | undefined;
  readonly after: RawItem | undefined;
  /** Makes it, on the condition that the item is as it was read. */
  write(items: AppItems): Promise<void>;
  /** What it does to the app, after "app acme": "is disabled". The changed attributes are named without it. */
  readonly outcome?: string | undefined;
  /** Told once, as soon as it is written: a new secret is nowhere else to be read. */
  readonly secret?: string | undefined;
  /** Until when the secret of before is taken. Seconds since 1970. */
  readonly previousSecretUntil?: number | undefined;
}

/**
 * Sets attributes of an app that exists. `make` gives them for the item as it is. Other names for the same attributes go:
 * soketi might obey them instead.
 *
 * @throws RefusedChangeError when there is no such app.
 */
export async function planUpdate(
  items: AppItems,
  appId: string,
  make: (before: RawItem) => Attributes,
): Promise<PlannedChange> {
  const before = await existing(items, appId);
  const made = make(before);
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
      `expected app ${appId} in the table, found none: an app is named by its AppId`,
    );
  return item;
}

/**
 * Checks a change, makes it, and waits until every node has confirmed it.
 *
 * @throws RefusedChangeError when the app would not be one, or not as it is meant; ConflictError when somebody else was first.
 */
export async function makeChange(run: Run, change: PlannedChange, options: ChangeOptions): Promise<ExitCode> {
  const { tools, terminal } = run;
  const { appId, before, after, secret, previousSecretUntil } = change;
  const items = tools.items();
  const who = tools.config.redis ? whoIs(options, tools.config) : undefined;
  const was = before && normalize(before);
  const is = after && normalize(after);
  refuseProblems(was, is);
  if (is?.key !== undefined && is.key !== was?.key) await refuseTakenKey(items, appId, is.key);
  const difference = diff(was, is);

  const by = await who;
  const nodes = await beginWait(run, options);
  const watch = nodes && (await watchLog(await tools.fleet()));
  const started = performance.now();
  await change.write(items);
  terminal.value({
    appId,
    type: difference?.type ?? "unchanged",
    changed: difference?.changed ?? [],
    key: is?.key,
    secret,
    previousSecretUntil: previousSecretUntil === undefined ? undefined : timeOf(previousSecretUntil),
  });
  terminal.print(inWords(change, difference, is?.app));
  if (is?.key !== undefined && is.key !== was?.key) terminal.print(`  key:    ${is.key}`);
  if (secret !== undefined) terminal.print(`  secret: ${secret}   (not shown again)`);

  const { reason } = options;
  const announced =
    difference && by !== undefined ? await announce(run, difference, { by, reason }) : undefined;
  if (!difference) terminal.print("nothing that soketi reads has changed: nodes need no notification");
  if (!difference || !options.wait) return EXIT.ok;
  if (!watch) {
    terminal.note("no Redis is configured: did not wait for the nodes");
    return EXIT.ok;
  }
  // A shared cache is seen to by the function alone: that has to be waited for.
  const isEnough = announced !== undefined && tools.config.sharedCache === undefined;
  let id: MessageId | string | undefined;
  try {
    id = isEnough ? announced : await watch.messageOf(appId, started, options.timeout);
  } catch (error) {
    terminal.note(`written, but not confirmed: ${explain(error, tools.config, tools.redisTrouble())}`);
    return EXIT.unconfirmed;
  }
  if (id === undefined) {
    terminal.note(
      `written, but no message about it arrived within ${options.timeout / 1_000} s: is the function running? ` +
        `Run "soketi-app-sync doctor" to find out; "soketi-app-sync invalidate ${appId}" notifies the nodes now`,
    );
    return EXIT.unconfirmed;
  }
  return confirmByNodes(run, id, { started, nodes }, options, {});
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
  if (other !== undefined) throw new RefusedChangeError(`expected an unused key, found that of app ${other}`);
  if (key !== appId && (await items.get(key))) {
    throw new RefusedChangeError(`expected a key that is not an app's id, found app ${key}`);
  }
}

/** Changed paths with what they are now; a secret has changed and is not said. */
function inWords(
  { appId, outcome }: PlannedChange,
  difference: AppDiff | undefined,
  app: App | undefined,
): string {
  if (outcome !== undefined) return `app ${appId} ${outcome}${difference ? "" : ", as before"}`;
  if (!difference) return `app ${appId} is written`;
  const view = app && toPublicView(app);
  const changes = difference.changed.map((path) => {
    const value = valueAt(view, path);
    return value === undefined ? path : `${path}=${JSON.stringify(value)}`;
  });
  const what = changes.length > 0 ? `: ${changes.join(", ")}` : "";
  return `app ${appId} is ${difference.type}${what}`;
}
