import type { Command } from "commander";
import type { RawItem } from "../../aws/raw-item.ts";
import { appId, collect } from "../support/arguments.ts";
import { parseAttributes } from "./attributes.ts";
import { createCommand, runCommand } from "../support/command.ts";
import { UsageError } from "../support/errors.ts";
import { addChangeOptions, type ChangeOptions, makeChange } from "./make-change.ts";
import { newKey, newSecret } from "./secrets.ts";

interface CreateOptions extends ChangeOptions {
  readonly key?: string;
  readonly set?: readonly string[];
}

/** `apps create`: a new app. Its secret is shown once. */
export function createCreateCommand(): Command {
  const command = createCommand("create", "Create an app, and print its key and secret.", [
    "apps create acme",
    "apps create acme --key acme-key --set MaxConnections=100 --set EnableClientMessages=true",
  ])
    .argument("<app>", "its id (AppId)", appId)
    .option("--key <key>", "its key (AppKey); a random one by default")
    .option("--set <name=value>", "an attribute to set; repeatable", collect);
  return addChangeOptions(command).action((appId: string, options: CreateOptions) =>
    runCommand(options, async (run) => {
      const secret = newSecret();
      const set = parseAttributes(options.set ?? [], []);
      if (options.key !== undefined && set.AppKey !== undefined) {
        throw new UsageError("expected --key or --set AppKey=…, found both");
      }
      const item = {
        AppId: { S: appId },
        AppKey: { S: options.key ?? newKey() },
        AppSecret: { S: secret },
        Enabled: { BOOL: true },
        ...set,
      } as RawItem;
      const own = set.AppSecret === undefined ? { secret } : {};
      const write = { appId, before: undefined, after: item, ...own };
      return makeChange(run, { ...write, write: (items) => items.create(item) }, options);
    }),
  );
}
