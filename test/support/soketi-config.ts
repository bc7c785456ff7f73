import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A configuration file of soketi's, for what no variable of soketi's can say. */
export interface SoketiConfig {
  /** soketi's arguments. */
  readonly args: readonly string[];
  stop(): Promise<void>;
}

export function writeSoketiConfig(options: object): SoketiConfig {
  const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-config-"));
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify(options));
  return {
    args: ["start", `--config=${file}`],
    stop() {
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  };
}
