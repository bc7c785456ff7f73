import type { Command } from "commander";
import { encodeChanges } from "../protocol/encode.ts";
import { createCommand, runCommand } from "./support/command.ts";
import { addWaitOptions, type WaitOptions } from "./support/confirm.ts";
import { publishAndConfirm } from "./support/publish.ts";
import type { CommonOptions } from "./support/tools.ts";

/** `invalidate APP…`: every node forgets these apps. */
export function createInvalidateCommand(): Command {
  const command = createCommand("invalidate", "Make every node read these apps again.", [
    "invalidate acme globex",
  ]).argument("<app...>", "app ids (AppId)");
  return addWaitOptions(command).action((appIds: string[], options: CommonOptions & WaitOptions) =>
    runCommand(options, async (run) => {
      const { table } = run.tools.config;
      const changes = appIds.map((appId) => ({ appId, type: "updated" as const, keys: [], changed: [] }));
      const messages = encodeChanges(changes, { table, at: Date.now() });
      return publishAndConfirm(run, messages, `invalidation of ${appIds.join(", ")} published`, options);
    }),
  );
}
