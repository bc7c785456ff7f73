import type { Command } from "commander";
import { createCommand, runCommand } from "../support/command.ts";
import { type ChangeAppsOptions, changeApps } from "./change-apps.ts";
import { addChangeOptions } from "./make-change.ts";
import type { AppChange } from "./planned-change.ts";
import { addSelection, select } from "../support/selection.ts";

const DELETION: AppChange = {
  verb: "Delete",
  isFinal: true,
  plan(before, appId) {
    const { AppKey, AppSecret } = before;
    const expected = { AppKey, AppSecret };
    const outcome = "is deleted: its connections are closed";
    return { appId, before, after: undefined, outcome, write: (items) => items.delete(appId, expected) };
  },
};

/** `apps delete`: its clients are closed with 4001. */
export function createDeleteCommand(): Command {
  const command = createCommand("delete", "Delete apps, and close their connections.", [
    "apps delete acme",
    "apps delete acme --yes",
    "apps delete --all --where 'id~^trial-' --dry-run",
  ]);
  return addChangeOptions(addSelection(command)).action((appIds: string[], options: ChangeAppsOptions) =>
    runCommand(options, async (run) =>
      changeApps(run, await select(run, appIds, options), options, DELETION),
    ),
  );
}
