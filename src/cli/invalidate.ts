import { Command } from "commander";
import { encodeChanges } from "../protocol/message.ts";
import { publish } from "./publish.ts";

/** `invalidate APP…`: every node forgets these apps. */
export function createInvalidateCommand(): Command {
  return new Command("invalidate")
    .description("Make every node forget these apps and read them again.")
    .argument("<app...>", "app ids (AppId)")
    .addHelpText("after", "\nExample:\n  REDIS_URL=redis://localhost soketi-app-sync invalidate acme globex")
    .action(async (appIds: string[]) => {
      const changes = appIds.map((appId) => ({ appId, type: "updated" as const, keys: [], changed: [] }));
      const { names } = await publish(({ table }) => encodeChanges(changes, { table, at: Date.now() }));
      process.stdout.write(`invalidation of ${appIds.join(", ")} published on ${names.log}\n`);
    });
}
