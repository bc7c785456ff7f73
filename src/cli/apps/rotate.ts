import { type Command, InvalidArgumentError } from "commander";
import { duration } from "../support/arguments.ts";
import { createCommand, runCommand } from "../support/command.ts";
import { timeOf } from "../../app/iso-time.ts";
import { addChangeOptions, type ChangeOptions, existing, makeChange, planUpdate } from "./make-change.ts";
import { checkRotation, endOfOverlap, rotation, type RotationOptions } from "./overlap.ts";
import { newKey, newSecret } from "./secrets.ts";

/** A secret that was given up is not to be taken for ever. Milliseconds. */
const MAX_OVERLAP_MS = 30 * 86_400_000;

/** The end of an overlap is a whole second. Milliseconds. */
const MIN_OVERLAP_MS = 1_000;

/** `apps rotate-secret`: a new secret, shown once. The old one is refused from then on, or when the overlap is over. */
export function createRotateSecretCommand(): Command {
  const command = createCommand("rotate-secret", "Give an app a new secret, and print it once.", [
    "apps rotate-secret acme --overlap 24h",
    "apps rotate-secret acme --overlap 24h --json | jq -r 'select(.secret).secret'",
  ])
    .argument("<app>", "its id (AppId)")
    .option(
      "--overlap <time>",
      "how long nodes also accept the old secret, such as 24h; at most 30d",
      overlapTime,
    )
    .option("--force", "even during another overlap, and with agents that do not support overlaps");
  return addChangeOptions(command).action((appId: string, options: ChangeOptions & RotationOptions) =>
    runCommand(options, async (run) => {
      await checkRotation(run, options);
      const secret = newSecret();
      let until: number | undefined;
      const plan = await planUpdate(run.tools.items(), appId, (before) => {
        const rotated = rotation(before, secret, options, Date.now());
        until = rotated.until;
        return rotated.attributes;
      });
      const old =
        until === undefined ? "the old one is refused" : `the old one is accepted until ${timeOf(until)}`;
      const told = { secret, previousSecretUntil: until, outcome: `has a new secret: ${old}` };
      return makeChange(run, { ...plan, ...told }, options);
    }),
  );
}

/** `apps end-overlap`: what a rotation has left of the previous secret goes. */
export function createEndOverlapCommand(): Command {
  const command = createCommand("end-overlap", "Make nodes refuse the previous secret of an app.", [
    "apps end-overlap acme",
  ]).argument("<app>", "its id (AppId)");
  return addChangeOptions(command).action((appId: string, options: ChangeOptions) =>
    runCommand(options, async (run) => {
      const items = run.tools.items();
      const attributes = await endOfOverlap(run, await existing(items, appId), appId);
      const plan = await planUpdate(items, appId, () => attributes);
      return makeChange(run, { ...plan, outcome: "has one secret: the previous one is refused" }, options);
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
  return addChangeOptions(command).action(
    (appId: string, options: ChangeOptions & { readonly key?: string }) =>
      runCommand(options, async (run) => {
        const key = { S: options.key ?? newKey() };
        const plan = await planUpdate(run.tools.items(), appId, () => ({ AppKey: key }));
        const outcome = "has a new key: connections with the old one are closed";
        return makeChange(run, { ...plan, outcome }, options);
      }),
  );
}

/** @throws InvalidArgumentError */
function overlapTime(text: string): number {
  const ms = duration(text);
  if (ms >= MIN_OVERLAP_MS && ms <= MAX_OVERLAP_MS) return ms;
  throw new InvalidArgumentError("Expected a time from 1s to 30d.");
}
