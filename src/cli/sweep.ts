import type { Command } from "commander";
import { createAppsReader } from "../aws/apps-reader.ts";
import { createSoketiAppCache } from "../redis/shared-app-cache.ts";
import { SharedCache } from "../pipeline/shared-cache.ts";
import { sweep } from "../pipeline/sweep.ts";
import { createCommand, running } from "./support/command.ts";
import type { CommonOptions } from "./support/tools.ts";

/** `sweep`: the whole table and soketi's shared app cache compared, and repaired, as handlers/sweep.ts does on schedule. */
export function createSweepCommand(): Command {
  return createCommand("sweep", "Compare soketi's shared app cache with the table, and repair it.", [
    "sweep",
  ]).action((options: CommonOptions) =>
    running(options, async ({ tools, terminal }) => {
      const { sharedCache, table } = tools.config;
      if (!sharedCache) throw new Error("SHARED_CACHE: expected evict or refresh for the sweep, found off");
      const reader = createAppsReader(tools.dynamodb().tables, table);
      const store = createSoketiAppCache(await tools.redis(), sharedCache);
      const outcome = await sweep({
        cache: new SharedCache(sharedCache.mode, store, reader),
        store,
        table: reader,
        // Nothing stops a command but its user.
        remainingMs: () => Number.POSITIVE_INFINITY,
      });
      terminal.value(outcome);
      terminal.table(["apps", "entries", "repaired", "removed"], [
        [outcome.apps, outcome.entries, outcome.repaired, outcome.removed].map(String),
      ]); // prettier-ignore
      return undefined;
    }),
  );
}
