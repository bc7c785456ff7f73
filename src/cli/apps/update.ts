import type { Command } from "commander";
import type { Attributes } from "../../aws/raw-item.ts";
import { collect } from "../support/arguments.ts";
import { parseAttributes } from "../support/attributes.ts";
import { createCommand, runCommand } from "../support/command.ts";
import { addChangeOptions, type ChangeOptions, makeChange, planUpdate } from "./make-change.ts";
import { UsageError } from "../support/errors.ts";

interface UpdateOptions extends ChangeOptions {
  readonly set?: readonly string[];
  readonly unset?: readonly string[];
}

/** `apps update`: attributes of an app. */
export function createUpdateCommand(): Command {
  return createChangeCommand("update", "Change attributes of an app.", [
    "apps update acme --set MaxConnections=200 --unset MaxEventPayloadInKb",
  ])
    .option("--set <name=value>", "an attribute to set; repeatable", collect)
    .option("--unset <name>", "an attribute to remove; repeatable", collect)
    .action((appId: string, options: UpdateOptions) => {
      const { set = [], unset = [] } = options;
      return updateApp(appId, options, () => {
        if (set.length + unset.length > 0) return parseAttributes(set, unset);
        throw new UsageError("expected --set Name=value or --unset Name, found neither: nothing to change");
      });
    });
}

/** `apps enable`: clients may connect again. */
export function createEnableCommand(): Command {
  return createChangeCommand("enable", "Enable an app.", ["apps enable acme"]).action(
    (appId: string, options: ChangeOptions) =>
      updateApp(appId, options, () => ({ Enabled: { BOOL: true } }), "is enabled: clients may connect"),
  );
}

/** `apps disable`: its clients are closed with 4003. */
export function createDisableCommand(): Command {
  return createChangeCommand("disable", "Disable an app, and close its connections.", [
    "apps disable acme",
  ]).action((appId: string, options: ChangeOptions) =>
    updateApp(
      appId,
      options,
      () => ({ Enabled: { BOOL: false } }),
      "is disabled: nobody may connect, and its connections are closed",
    ),
  );
}

function createChangeCommand(name: string, description: string, examples: readonly string[]): Command {
  return addChangeOptions(createCommand(name, description, examples).argument("<app>", "its id (AppId)"));
}

function updateApp(
  appId: string,
  options: ChangeOptions,
  make: () => Attributes,
  outcome?: string,
): Promise<void> {
  return runCommand(options, async (run) =>
    makeChange(run, { ...(await planUpdate(run.tools.items(), appId, make)), outcome }, options),
  );
}
