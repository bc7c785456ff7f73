import type { RedisClient } from "./library.ts";

/** One field of what `INFO` answers. */
export function infoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
}

/**
 * The run id of the server that a connection leads to. Undefined where it is not told, or may not be asked for: such a server
 * has no identity, and the reader of this decides what that means. Rejects when there is no answer.
 */
export async function runIdOf(client: Pick<RedisClient, "info">): Promise<string | undefined> {
  try {
    const run = infoField(await client.info("server"), "run_id");
    return run === "" ? undefined : run;
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError") return undefined;
    throw error;
  }
}

/** By the socket: what is at the other end of one does not change. */
const runIds = new WeakMap<object, string>();

/** As `runIdOf`, asked once for each connection. */
export async function knownRunIdOf(
  client: Pick<RedisClient, "info" | "stream">,
): Promise<string | undefined> {
  // The last socket is kept until there is another; one that is being closed is not written to any more.
  const known = client.stream?.writable ? runIds.get(client.stream) : undefined;
  if (known !== undefined) return known;
  const run = await runIdOf(client);
  if (run !== undefined && client.stream) runIds.set(client.stream, run);
  return run;
}
