import type { RedisClient } from "./library.ts";

/** One field of what `INFO` answers. */
export function infoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
}

/**
 * The run id of the server that a connection leads to. Undefined where it is not told, or may not be asked for: such a server
 * has no identity, and the reader of this decides what that means.
 */
export async function runIdOf(client: Pick<RedisClient, "info">): Promise<string | undefined> {
  try {
    const run = infoField(await client.info("server"), "run_id");
    return run === "" ? undefined : run;
  } catch {
    // A connection that broke says so by itself.
    return undefined;
  }
}
