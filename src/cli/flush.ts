import { Command } from "commander";
import { encodeFlush } from "../protocol/message.ts";
import { publish } from "./publish.ts";

/** `flush`: every node forgets every app. */
export function createFlushCommand(): Command {
  return new Command("flush")
    .description("Make every node forget all apps and read them again.")
    .option("-r, --reason <text>", "what the nodes' logs say", "requested by an operator")
    .addHelpText(
      "after",
      "\nExample:\n  REDIS_URL=redis://localhost soketi-app-sync flush --reason 'table restored'",
    )
    .action(async ({ reason }: { reason: string }) => {
      const { names } = await publish(() => [encodeFlush(reason, Date.now())]);
      process.stdout.write(`flush published on ${names.log}\n`);
    });
}
