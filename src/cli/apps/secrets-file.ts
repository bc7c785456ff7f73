import { timeOf } from "../../app/iso-time.ts";
import { SecretNotKeptError } from "../support/errors.ts";
import { createPrivateFile } from "../support/files.ts";
import type { PlannedChange } from "./planned-change.ts";

/** New secrets, a line of JSON for each app. */
export interface SecretsFile {
  readonly file: string;
  /**
   * To be called when the change is written. Resolves when the line is on the disk; nothing for a change without a new secret.
   * Rejects for all that follow as well when one could not be written.
   */
  add(change: PlannedChange, key: string | undefined): Promise<void>;
  close(): Promise<void>;
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
    file,
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

/** A change that is made, and whose new secret is not in the file. */
export interface Unkept {
  readonly appId: string;
  readonly error: unknown;
}

/** To be called when the change is written: from then on nothing may keep nodes from being told. Never rejects. */
export async function keepSecret(
  secrets: SecretsFile | undefined,
  change: PlannedChange,
  key: string | undefined,
): Promise<Unkept | undefined> {
  try {
    await secrets?.add(change, key);
    return undefined;
  } catch (error) {
    return { appId: change.appId, error };
  }
}

/** Names each of the apps: nobody else knows that. Undefined of none. */
export function notKept(
  unkept: readonly Unkept[],
  secrets: SecretsFile | undefined,
): SecretNotKeptError | undefined {
  const [first] = unkept;
  if (!first || !secrets) return undefined;
  const { error } = first;
  const ids = unkept.map(({ appId }) => appId).join(", ");
  const has = unkept.length === 1 ? `app ${ids} has a new secret` : `apps ${ids} have new secrets`;
  const why =
    error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
  return new SecretNotKeptError(
    `${has} in the table, and ${secrets.file} lacks it: Could not write the file (${why}). ` +
      `Show it with: soketi-app-sync get ${unkept.length === 1 ? ids : "APP"} --secrets`,
    { cause: error },
  );
}
