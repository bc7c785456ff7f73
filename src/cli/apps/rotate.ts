import type { Command } from "commander";
import { createCommand, running } from "../support/command.ts";
import { addWaitOptions } from "../support/confirm.ts";
import { type ChangeOptions, makeChange, planUpdate } from "./make-change.ts";
import { newKey, newSecret } from "./secrets.ts";

/** `apps rotate-secret`: a new secret, shown once. The old one is refused from then on. */
export function createRotateSecretCommand(): Command {
  const command = createCommand("rotate-secret", "Give an app a new secret, and print it once.", [
    "apps rotate-secret acme",
    "apps rotate-secret acme --json | jq -r 'select(.secret).secret'",
  ]).argument("<app>", "its id (AppId)");
  return addWaitOptions(command).action((appId: string, options: ChangeOptions) =>
    running(options, async (run) => {
      const secret = newSecret();
      const plan = await planUpdate(run.tools.items(), appId, () => ({ AppSecret: { S: secret } }));
      return makeChange(run, { ...plan, secret }, options);
    }),
  );
}

/** `apps rotate-key`: a new key. Clients that connected with the old one are closed with 4001. */
export function createRotateKeyCommand(): Command {
  const command = createCommand(
    "rotate-key",
    "Give an app a new key; connections with the old one are closed.",
    ["apps rotate-key acme", "apps rotate-key acme --key acme-key-2"],
  )
    .argument("<app>", "its id (AppId)")
    .option("--key <key>", "the new key; a random one by default");
  return addWaitOptions(command).action((appId: string, options: ChangeOptions & { readonly key?: string }) =>
    running(options, async (run) => {
      const key = { S: options.key ?? newKey() };
      return makeChange(run, await planUpdate(run.tools.items(), appId, () => ({ AppKey: key })), options);
    }),
  );
}
