import type { Command } from "commander";
import { createCommand, runCommand } from "../support/command.ts";
import { EXIT } from "../support/exit-codes.ts";
import { addChangeOptions, type ChangeOptions, existing, makeChange } from "./make-change.ts";

/** `apps delete`: its clients are closed with 4001. */
export function createDeleteCommand(): Command {
  const command = createCommand("delete", "Delete an app, and close its connections.", [
    "apps delete acme",
    "apps delete acme --yes",
  ])
    .argument("<app>", "its id (AppId)")
    .option("-y, --yes", "do not ask");
  return addChangeOptions(command).action((appId: string, options: ChangeOptions & { readonly yes?: true }) =>
    runCommand(options, async (run) => {
      const before = await existing(run.tools.items(), appId);
      if (!options.yes && !(await run.terminal.confirm(`Delete app ${appId}?`))) {
        run.terminal.note("nothing was deleted: confirm, or pass --yes");
        return EXIT.failed;
      }
      const { AppKey, AppSecret } = before;
      const expected = { AppKey, AppSecret };
      const change = { appId, before, after: undefined, outcome: "is deleted: its connections are closed" };
      return makeChange(run, { ...change, write: (items) => items.delete(appId, expected) }, options);
    }),
  );
}
