import type { Command } from "commander";
import { withSharedCache } from "../config/pipeline.ts";
import { sweep } from "../pipeline/sweep.ts";
import { amount } from "./support/amount.ts";
import { createCommand, runCommand } from "./support/command.ts";
import { EXIT } from "./support/exit-codes.ts";
import type { CommonOptions } from "./support/tools.ts";

/** `sweep`: the whole table and soketi's shared app cache compared, and repaired, as handlers/sweep.ts does on schedule. */
export function createSweepCommand(): Command {
  return createCommand("sweep", "Compare the shared app cache with the table and repair it.", [
    "sweep",
  ]).action((options: CommonOptions) =>
    runCommand(options, async ({ tools, terminal }) => {
      const { sharedCache } = withSharedCache(tools.config);
      const outcome = await sweep({
        cache: await tools.sharedCache(sharedCache),
        table: await tools.apps(),
        // Nothing stops a command but its user.
        remainingMs: () => Number.POSITIVE_INFINITY,
      });
      terminal.value(outcome);
      const { apps, entries, repaired, removed, unsettled, foreign } = outcome;
      terminal.table(
        ["apps", "entries", "repaired", "removed", "unsettled", "foreign"],
        [[apps, entries, repaired, removed, unsettled, foreign].map(String)],
      );
      if (unsettled > 0) {
        terminal.note(
          `${amount(unsettled, "app")} kept changing and may be wrong in the cache: run it again`,
        );
      }
      if (foreign > 0) {
        terminal.note(
          `${amount(foreign, "key")} with an entry's name ${foreign === 1 ? "has" : "have"} another type and ` +
            `${foreign === 1 ? "was" : "were"} left alone: servers cannot read them. Find out which program writes there, and ` +
            "give one of the two another prefix",
        );
      }
      return unsettled + foreign > 0 ? EXIT.unwell : EXIT.ok;
    }),
  );
}
