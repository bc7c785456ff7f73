import type { Command } from "commander";
import type { Attributes } from "../../aws/raw-item.ts";
import { collect } from "../support/arguments.ts";
import { parseAttributes } from "./attributes.ts";
import { createCommand, runCommand } from "../support/command.ts";
import { UsageError } from "../support/errors.ts";
import { type ChangeAppsOptions, changeApps } from "./change-apps.ts";
import { addChangeOptions } from "./make-change.ts";
import { updateOf } from "./planned-change.ts";
import { addSelection, select, type Selection } from "../support/selection.ts";

interface UpdateOptions extends ChangeAppsOptions {
  readonly set?: readonly string[];
  readonly unset?: readonly string[];
}

/** `apps update`: attributes of apps. */
export function createUpdateCommand(): Command {
  return createChangeCommand("update", "Change attributes of apps.", [
    "apps update acme --set MaxConnections=200 --unset MaxEventPayloadInKb",
    "apps update --all --where 'maxConnections>1000' --set MaxConnections=1000 --dry-run",
  ])
    .option("--set <name=value>", "an attribute to set; repeatable", collect)
    .option("--unset <name>", "an attribute to remove; repeatable", collect)
    .action((appIds: string[], options: UpdateOptions) => {
      const { set = [], unset = [] } = options;
      return update("Update", appIds, options, (selection) => {
        if (set.length + unset.length === 0) {
          throw new UsageError("expected --set Name=value or --unset Name, found neither: nothing to change");
        }
        const attributes = parseAttributes(set, unset);
        if (selection.only === undefined) refuseIdentity(attributes);
        return attributes;
      });
    });
}

/** `apps enable`: clients may connect again. */
export function createEnableCommand(): Command {
  return createChangeCommand("enable", "Enable apps.", [
    "apps enable acme",
    "apps enable acme globex",
  ]).action((appIds: string[], options: ChangeAppsOptions) =>
    update("Enable", appIds, options, () => ({ Enabled: { BOOL: true } }), "is enabled: clients may connect"),
  );
}

/** `apps disable`: its clients are closed with 4003. */
export function createDisableCommand(): Command {
  return createChangeCommand("disable", "Disable apps, and close their connections.", [
    "apps disable acme",
    "apps disable --all --where 'id~^trial-' --dry-run",
  ]).action((appIds: string[], options: ChangeAppsOptions) =>
    update(
      "Disable",
      appIds,
      options,
      () => ({ Enabled: { BOOL: false } }),
      "is disabled: nobody may connect, and its connections are closed",
    ),
  );
}

function createChangeCommand(name: string, description: string, examples: readonly string[]): Command {
  return addChangeOptions(addSelection(createCommand(name, description, examples)));
}

function update(
  verb: string,
  appIds: readonly string[],
  options: ChangeAppsOptions,
  attributesFor: (selection: Selection) => Attributes,
  outcome?: string,
): Promise<void> {
  return runCommand(options, async (run) => {
    const selection = await select(run, appIds, options);
    const attributes = attributesFor(selection);
    const plan: Parameters<typeof changeApps>[3]["plan"] = (before, appId) => ({
      ...updateOf(appId, before, attributes),
      outcome,
    });
    return changeApps(run, selection, options, { verb, plan });
  });
}

/** @throws UsageError */
function refuseIdentity(attributes: Attributes): void {
  for (const name of ["AppKey", "AppSecret"]) {
    if (name in attributes) {
      throw new UsageError(`--set: expected what several apps may share, found ${name}: each needs its own`);
    }
  }
}
