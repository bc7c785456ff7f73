import { type BusNames, nodeEntry } from "../protocol/names.ts";
import type { RegisteredNode } from "../protocol/node.ts";
import { RedisError, orRedisError } from "./errors.ts";
import type { RedisConnection } from "./library.ts";
import { entryOf } from "./told-by-nodes.ts";

/** Entries of one MGET. */
const ENTRIES_PER_READ = 500;

/** Times in milliseconds since 1970, by Redis' clock. */
interface Sighting {
  readonly node: RegisteredNode;
  /** Absent of an agent of an older version, which is not remembered. */
  readonly seenAt: number | undefined;
  readonly isThere: boolean;
}

/**
 * Every node of the registry, and those that left within a day without saying so. One that has the host and the process id of
 * another, and was seen after it, has come in its place: a container that was started again. Rejects with RedisError.
 */
export async function readRegistry(connection: RedisConnection, names: BusNames): Promise<RegisteredNode[]> {
  const doing = "read the registry of nodes";
  const [there, seen] = await orRedisError(
    doing,
    Promise.all([
      connection.zrange(names.nodes, "0", "-1"),
      connection.zrange(names.seen, "0", "-1", "WITHSCORES"),
    ]),
  );
  const seenAt = pairs(seen);
  const present = new Set(there);
  const ids = [...new Set([...there, ...seenAt.keys()])];
  const sightings: Sighting[] = [];
  for (let from = 0; from < ids.length; from += ENTRIES_PER_READ) {
    const page = ids.slice(from, from + ENTRIES_PER_READ);
    const entries = await orRedisError(doing, connection.mget(page.map((id) => nodeEntry(names, id))));
    page.forEach((id, i) => {
      const entry = entryOf(entries[i]);
      if (entry) sightings.push({ node: { id, entry }, seenAt: seenAt.get(id), isThere: present.has(id) });
    });
  }
  const now = sightings.some(({ isThere }) => !isThere) ? await readClock(connection) : 0;
  const newest = newestOf(sightings);
  return sightings
    .filter((one) => one.isThere || newest.get(placeOf(one)) === one)
    .map(({ node, seenAt: at, isThere }) =>
      isThere || at === undefined ? node : { ...node, silentMs: Math.max(0, now - at) },
    )
    .sort((a, b) => a.entry.host.localeCompare(b.entry.host) || a.entry.pid - b.entry.pid);
}

/** Of each host and process id, the one that is there, or was seen last. */
function newestOf(sightings: readonly Sighting[]): Map<string, Sighting> {
  const newest = new Map<string, Sighting>();
  for (const one of sightings) {
    const known = newest.get(placeOf(one));
    if (!known || (!known.isThere && (one.isThere || (one.seenAt ?? 0) > (known.seenAt ?? 0)))) {
      newest.set(placeOf(one), one);
    }
  }
  return newest;
}

function placeOf({ node: { entry } }: Sighting): string {
  return `${entry.pid} ${entry.host}`;
}

/** Redis' clock, in milliseconds since 1970; for who may not ask it, that of this machine. Rejects with RedisError. */
export async function readClock(connection: RedisConnection): Promise<number> {
  try {
    const [seconds, microseconds] = await connection.time();
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  } catch (error) {
    const failure = new RedisError("report the time", error);
    if (failure.code === "NOPERM") return Date.now();
    throw failure;
  }
}

/** Ids, each followed by its score. */
function pairs(list: readonly string[]): Map<string, number> {
  const map = new Map<string, number>();
  for (let i = 0; i + 1 < list.length; i += 2) map.set(list[i] ?? "", Number(list[i + 1]));
  return map;
}
