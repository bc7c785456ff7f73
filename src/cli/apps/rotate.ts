import { type Command, InvalidArgumentError } from "commander";
import { parseDuration } from "../support/arguments.ts";
import { createCommand, type Run, runCommand } from "../support/command.ts";
import { UsageError } from "../support/errors.ts";
import type { ExitCode } from "../support/exit-codes.ts";
import { clockOf } from "../support/redis-clock.ts";
import { timeOf } from "../../app/iso-time.ts";
import { type ChangeAppsOptions, changeApps } from "./change-apps.ts";
import { addChangeOptions } from "./make-change.ts";
import {
  checkRotation,
  endOfOverlap,
  noteUsesOfPrevious,
  rotation,
  type RotationOptions,
} from "./overlap.ts";
import { updateOf } from "./planned-change.ts";
import { newKey, newSecret } from "./secrets.ts";
import { createSecretsFile } from "./secrets-file.ts";
import { addSelection, select } from "../support/selection.ts";

/** A secret that was given up is not to be taken for ever. Milliseconds. */
const MAX_OVERLAP_MS = 30 * 86_400_000;

/** The end of an overlap is a whole second. Milliseconds. */
const MIN_OVERLAP_MS = 1_000;

type RotateOptions = ChangeAppsOptions & RotationOptions & { readonly out?: string };

/** `apps rotate-secret`: a new secret, shown once. The old one is refused from then on, or when the overlap is over. */
export function createRotateSecretCommand(): Command {
  const command = createCommand("rotate-secret", "Give apps a new secret, and print it once.", [
    "apps rotate-secret acme --overlap 24h",
    "apps rotate-secret acme --overlap 24h --json | jq -r 'select(.secret).secret'",
    "apps rotate-secret --all --where '!previousSecretUntil' --overlap 24h --out secrets.jsonl",
  ]);
  return addChangeOptions(addSelection(command))
    .option(
      "--overlap <time>",
      "how long nodes also accept the old secret, such as 24h; at most 30d",
      overlapTime,
    )
    .option("--force", "even during another overlap, and with agents that do not support overlaps")
    .option("--out <file>", "write the new secrets to this file, one JSON line each, readable only by you")
    .action((appIds: string[], options: RotateOptions) =>
      runCommand(options, (run) => rotateSecrets(run, appIds, options)),
    );
}

async function rotateSecrets(run: Run, appIds: readonly string[], options: RotateOptions): Promise<ExitCode> {
  const { out, dryRun } = options;
  const isMany = options.all === true || new Set(appIds).size > 1;
  if (isMany && !run.terminal.json && out === undefined && !dryRun) {
    throw new UsageError(
      "expected --out FILE or --json with several apps, found neither: new secrets are shown only once",
    );
  }
  const selection = await select(run, appIds, options);
  await checkRotation(run, options);
  const now = options.overlap === undefined ? Date.now : await clockOf(run.tools);
  const secrets = out === undefined || dryRun ? undefined : await createSecretsFile(out);
  try {
    return await changeApps(
      run,
      selection,
      options,
      {
        verb: "Give new secrets to",
        plan(before, appId) {
          const secret = newSecret();
          const { attributes, until } = rotation(before, secret, options, now());
          const old =
            until === undefined ? "the old one is refused" : `the old one is accepted until ${timeOf(until)}`;
          const told = { secret, previousSecretUntil: until, outcome: `has a new secret: ${old}` };
          return { ...updateOf(appId, before, attributes), ...told };
        },
      },
      secrets,
    );
  } finally {
    await secrets?.close();
  }
}

/** `apps end-overlap`: what a rotation has left of the previous secret goes. */
export function createEndOverlapCommand(): Command {
  const command = createCommand("end-overlap", "Make nodes refuse the previous secret of apps.", [
    "apps end-overlap acme",
    "apps end-overlap --all --where previousSecretUntil",
  ]);
  return addChangeOptions(addSelection(command)).action((appIds: string[], options: ChangeAppsOptions) =>
    runCommand(options, async (run) => {
      const selection = await select(run, appIds, options);
      const outcome = "has one secret: the previous one is refused";
      await noteUsesOfPrevious(run, selection.only === undefined ? selection.ids : [selection.only]);
      return changeApps(run, selection, options, {
        verb: "End the overlap of",
        plan: (before, appId) => ({ ...updateOf(appId, before, endOfOverlap(before, appId)), outcome }),
      });
    }),
  );
}

/** `apps rotate-key`: a new key. Clients that connected with the old one are closed with 4001. */
export function createRotateKeyCommand(): Command {
  const command = createCommand(
    "rotate-key",
    "Give apps a new key; connections with the old one are closed.",
    ["apps rotate-key acme", "apps rotate-key acme --key acme-key-2"],
  );
  return addChangeOptions(addSelection(command))
    .option("--key <key>", "the new key; a random one by default")
    .action((appIds: string[], options: ChangeAppsOptions & { readonly key?: string }) =>
      runCommand(options, async (run) => {
        const selection = await select(run, appIds, options);
        if (options.key !== undefined && selection.only === undefined) {
          throw new UsageError("--key: expected one app, found several: each needs its own key");
        }
        const outcome = "has a new key: connections with the old one are closed";
        return changeApps(run, selection, options, {
          verb: "Give new keys to",
          plan: (before, appId) => ({
            ...updateOf(appId, before, { AppKey: { S: options.key ?? newKey() } }),
            outcome,
          }),
        });
      }),
    );
}

/** @throws InvalidArgumentError */
function overlapTime(text: string): number {
  const ms = parseDuration(text) ?? Number.NaN;
  if (ms >= MIN_OVERLAP_MS && ms <= MAX_OVERLAP_MS) return ms;
  throw new InvalidArgumentError("Expected a time from 1s to 30d.");
}
