import type { Command } from "commander";
import { encodeFlush } from "../protocol/encode.ts";
import { addAuthorOption, type AnnounceOptions, note } from "./support/announce.ts";
import { createCommand, runCommand } from "./support/command.ts";
import { addWaitOptions, type WaitOptions } from "./support/confirm.ts";
import { publishAndConfirm } from "./support/publish.ts";
import type { CommonOptions } from "./support/tools.ts";

type FlushOptions = CommonOptions & WaitOptions & AnnounceOptions & { readonly reason: string };

/** `flush`: every node forgets every app. */
export function createFlushCommand(): Command {
  const command = createCommand("flush", "Make every node read all apps again.", [
    "flush --reason 'table restored'",
  ]).option("-r, --reason <text>", "reason for the log", note, "requested by an operator");
  return addAuthorOption(addWaitOptions(command)).action((options: FlushOptions) =>
    runCommand(options, (run) =>
      publishAndConfirm(
        run,
        (by) => [encodeFlush(options.reason, Date.now(), by)],
        "flush published",
        options,
      ),
    ),
  );
}
