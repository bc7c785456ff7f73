import { renameSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where what is fetched or built once is kept for all clones of a user. */
export function cacheFolder(): string {
  const given = process.env.XDG_CACHE_HOME;
  if (given !== undefined && given !== "") return join(given, "soketi-app-sync");
  const usual = process.platform === "darwin" ? ["Library", "Caches"] : [".cache"];
  return join(homedir(), ...usual, "soketi-app-sync");
}

/** A whole folder or none: who looks meanwhile finds no half of it. Another start that was faster leaves the same there. */
export function moveInto(folder: string, staging: string): void {
  try {
    renameSync(staging, folder);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
