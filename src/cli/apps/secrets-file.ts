import { timeOf } from "../../app/iso-time.ts";
import { asArgument, inLine } from "../support/app-name.ts";
import { SecretNotKeptError } from "../support/errors.ts";
import { createPrivateFile } from "../support/files.ts";
import type { Terminal } from "../support/terminal.ts";
import type { PlannedChange } from "./planned-change.ts";

/** Where new secrets go: they are nowhere else to be read. */
export interface SecretsPlace {
  readonly name: string;
  /**
   * To be called when the change is written. Resolves when its new secret is there, and for a change that has none. Rejects for
   * all that follow as well when one could not be written.
   */
  add(change: PlannedChange, key: string | undefined): Promise<void>;
}

/** A line of JSON for each app. */
export interface SecretsFile extends SecretsPlace {
  close(): Promise<void>;
}

/** The command's own output, for secrets that are printed already when they are added. */
export function secretsInOutput(terminal: Pick<Terminal, "delivered">): SecretsPlace {
  return {
    name: "the output",
    add: async ({ secret }) => {
      if (secret !== undefined) await terminal.delivered();
    },
  };
}

/**
 * To be called before anything is changed. Nobody else may read it.
 *
 * @throws UsageError when the file exists.
 */
export async function createSecretsFile(file: string): Promise<SecretsFile> {
  const handle = await createPrivateFile(file, "--out");
  // One after the other: a line that was cut short is the last, and spoils no other.
  let written = Promise.resolve();
  return {
    name: file,
    async add({ appId, secret, previousSecretUntil: until }, key) {
      if (secret === undefined) return;
      const previousSecretUntil = until === undefined ? undefined : timeOf(until);
      const line = `${JSON.stringify({ appId, key, secret, previousSecretUntil })}\n`;
      written = written.then(() => handle.appendFile(line));
      await written;
      await handle.datasync();
    },
    // Each line is on the disk by now, or it was told that it is not.
    close: () => handle.close().catch(() => undefined),
  };
}

/** A change that is made, and whose new secret is not where it was to be. */
export interface Unkept {
  readonly appId: string;
  readonly error: unknown;
}

/** To be called when the change is written: from then on nothing may keep nodes from being told. Never rejects. */
export async function keepSecret(
  secrets: SecretsPlace,
  change: PlannedChange,
  key: string | undefined,
): Promise<Unkept | undefined> {
  try {
    await secrets.add(change, key);
    return undefined;
  } catch (error) {
    return { appId: change.appId, error };
  }
}

/** Names each of the apps: nobody else knows that. Undefined of none. */
export function notKept(unkept: readonly Unkept[], secrets: SecretsPlace): SecretNotKeptError | undefined {
  const [first] = unkept;
  if (!first) return undefined;
  const { error } = first;
  const ids = unkept.map(({ appId }) => inLine(appId)).join(", ");
  const what = unkept.length === 1 ? `the new secret of app ${ids}` : `the new secrets of apps ${ids}`;
  const stays = unkept.length === 1 ? "It is" : "They are";
  const why =
    error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
  return new SecretNotKeptError(
    `Could not write ${what} to ${secrets.name}: ${why}. ${stays} in the table; ` +
      `show with: soketi-app-sync get --secrets ${unkept.length === 1 ? asArgument(first.appId) : "APP"}`,
    { cause: error },
  );
}
