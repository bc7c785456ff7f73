import { isAgreed } from "../support/agreement.ts";
import { amount } from "../support/amount.ts";
import { inLine } from "../support/app-name.ts";
import type { Run } from "../support/command.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { applyChanges } from "./apply-changes.ts";
import { listed } from "../support/fields.ts";
import type { Job } from "./jobs.ts";
import { type ChangeOptions, makeChange } from "./make-change.ts";
import { type AppChange, existing } from "./planned-change.ts";
import type { SecretsPlace } from "./secrets-file.ts";
import { type Selection, type SelectionOptions } from "../support/selection.ts";

export type ChangeAppsOptions = ChangeOptions & SelectionOptions;

/**
 * Changes the apps that are meant: one, with all that there is to say of it, or many.
 *
 * @throws as `makeChange` of one, and `applyChanges` of many.
 */
export async function changeApps(
  run: Run,
  selection: Selection,
  options: ChangeAppsOptions,
  change: AppChange,
  secrets?: SecretsPlace,
): Promise<ExitCode> {
  const { terminal, tools } = run;
  const items = await tools.items();
  if (selection.only !== undefined) {
    const appId = selection.only;
    const before = await existing(items, appId);
    if (change.isFinal && !(await isAgreed(run, options, `${change.verb} app ${inLine(appId)}?`))) {
      return EXIT.failed;
    }
    return makeChange(run, change.plan(before, appId), options, secrets);
  }
  const { ids, isMeant } = selection;
  if (ids.length === 0) {
    terminal.value({ apps: 0, changed: 0, unchanged: 0, failed: 0, left: 0 });
    terminal.print("no app matches: nothing to change");
    return EXIT.ok;
  }
  const question = `${change.verb} ${amount(ids.length, "app")} of table ${tools.config.table}?`;
  const isAsked = (options.all ?? change.isFinal) === true;
  if (isAsked && !(await isAgreed(run, options, question))) return EXIT.failed;
  const jobs = ids.map((appId): Job => ({
    appId,
    async plan() {
      if (!options.all) return change.plan(await existing(items, appId), appId);
      // It may have been changed, or deleted, since it was chosen.
      const before = await items.get(appId);
      return before && isMeant(listed(before)) ? change.plan(before, appId) : undefined;
    },
  }));
  return applyChanges(run, { jobs, total: ids.length, doing: "changing", secrets }, options);
}
