import { timeOf } from "../../app/iso-time.ts";
import { createPrivateFile } from "../support/files.ts";
import type { PlannedChange } from "./planned-change.ts";

/** New secrets, a line of JSON for each app. */
export interface SecretsFile {
  readonly file: string;
  /** Resolves when the line is on the disk. Nothing for a change without a new secret. */
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
  return {
    file,
    async add({ appId, secret, previousSecretUntil: until }, key) {
      if (secret === undefined) return;
      const previousSecretUntil = until === undefined ? undefined : timeOf(until);
      await handle.appendFile(`${JSON.stringify({ appId, key, secret, previousSecretUntil })}\n`);
      await handle.datasync();
    },
    close: () => handle.close(),
  };
}
