import { homedir } from "node:os";
import { join } from "node:path";

/** Where what is fetched or built once is kept for all clones of a user. */
export function cacheFolder(): string {
  const given = process.env.XDG_CACHE_HOME;
  if (given !== undefined && given !== "") return join(given, "soketi-app-sync");
  const usual = process.platform === "darwin" ? ["Library", "Caches"] : [".cache"];
  return join(homedir(), ...usual, "soketi-app-sync");
}
