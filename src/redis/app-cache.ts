import { randomUUID } from "node:crypto";
import type { CacheFormat } from "../pipeline/cache-format.ts";
import { type AppCacheStore, type CacheWrite, type CacheWriteResult, LONG_TEXT } from "../pipeline/ports.ts";
import { fencesOf } from "./cached-app-fence.ts";
import { REMOVE_SAME, WRITE_CACHED_APP } from "./cached-app-scripts.ts";
import { orRedisError, OTHER_PROTOCOL, RedisError } from "./errors.ts";
import type { RedisClient, RedisConnection } from "./library.ts";
import { runScript } from "./scripts.ts";

interface AppCacheOptions {
  readonly format: CacheFormat;
  /** Before every name. */
  readonly prefix: string;
  /** 0 or less is for ever. */
  readonly ttlSeconds: number;
  /** Whether an app may be under such a name; others are another program's, or hold something else. */
  readonly isEntry: (name: string) => boolean;
}

/** Commands that are under way at a time, and keys of one SCAN. */
const CONCURRENCY = 500;

/** An item has 400 KB at most, and its JSON hardly more. */
const LONG_BYTES = 2 ** 19;

/** More than any server should have to read. */
const MAX_BYTES = 2 ** 26;

/**
 * How long a fence stands: longer than the stream's day, since all of that may come once more. A relay that begins, and an event
 * source mapping that is made anew, read it from its oldest record on. Seconds.
 */
const FENCE_SECONDS = 25 * 3_600;

const READING = "read the shared app cache";
const WRITING = "write to the shared app cache";
const REMOVING = "remove from the shared app cache";

const RESULTS = new Map<unknown, CacheWriteResult>([
  [1, "done"],
  [0, "outdated"],
  [-1, "foreign"],
  [-2, "full"],
]);

/**
 * In a cluster entries are anywhere, so that each is a command of its own; they go out together all the same.
 */
export function createAppCache(
  connection: RedisConnection,
  { format, prefix, ttlSeconds, isEntry }: AppCacheOptions,
): AppCacheStore {
  const keyOf = (name: string) => `${prefix}${name}`;
  return {
    format,

    read: (names) => inPages(names, READING, (name) => readText(connection, keyOf(name))),

    fences: (entries) =>
      inPages(entries, READING, ({ name, appId }) => readFence(connection, fencesOf(keyOf(name)), appId)),

    write: (writes) =>
      inPages(writes, WRITING, async (write) => {
        const key = keyOf(write.name);
        const args = argumentsOf(write, Math.max(0, ttlSeconds));
        const answer = await runScript(connection, WRITE_CACHED_APP, [key, fencesOf(key)], args, WRITING);
        const result = RESULTS.get(answer);
        if (result === undefined) throw new RedisError(WRITING, `it ${OTHER_PROTOCOL}`);
        return result;
      }),

    readWhole: (name) => orRedisError(READING, readWhole(connection, keyOf(name))),

    async removeSame(entries) {
      const removed = await inPages(entries, REMOVING, ({ name, text }) =>
        removeSame(connection, keyOf(name), text),
      );
      return removed.filter(Boolean).length;
    },

    async touch(names) {
      if (ttlSeconds <= 0) return;
      await inPages(names, WRITING, (name) => connection.expire(keyOf(name), ttlSeconds));
    },

    async *names() {
      for (const node of await mastersOf(connection, prefix)) {
        let cursor = "0";
        do {
          const [next, keys] = await scan(node, cursor, `${escapeGlob(prefix)}*`);
          cursor = next;
          // Also when it has none: whoever reads may stop at each, and other programs' keys may be many.
          yield keys.map((key) => key.slice(prefix.length)).filter(isEntry);
        } while (cursor !== "0");
      }
    },
  };
}

async function readText(
  connection: RedisConnection,
  key: string,
): Promise<string | typeof LONG_TEXT | undefined | null> {
  const bytes = await readBytes(connection, key, LONG_BYTES);
  return bytes && (bytes.length > LONG_BYTES ? LONG_TEXT : bytes.toString());
}

async function readWhole(connection: RedisConnection, key: string): Promise<string | undefined | null> {
  const bytes = await readBytes(connection, key, MAX_BYTES);
  return bytes && (bytes.length > MAX_BYTES ? null : bytes.toString());
}

/** Of a longer text one byte more than the limit. */
async function readBytes(
  connection: RedisConnection,
  key: string,
  limit: number,
): Promise<Buffer | undefined | null> {
  try {
    const bytes = await connection.getrangeBuffer(key, 0, limit);
    // soketi writes an empty text for an app that it did not find, and reads it as nothing.
    return bytes.length === 0 ? undefined : bytes;
  } catch (error) {
    if (isWrongType(error)) return null;
    throw error;
  }
}

/** Texts are compared as servers read them, which are lenient with bytes that are no UTF-8. */
async function removeSame(connection: RedisConnection, key: string, text: string): Promise<boolean> {
  const remove = (same: string | Buffer) => runScript(connection, REMOVE_SAME, [key], [same], REMOVING);
  if ((await remove(text)) === 1) return true;
  const bytes = await readBytes(connection, key, MAX_BYTES);
  return bytes?.toString() === text && (await remove(bytes)) === 1;
}

/** A key of another type is none of ours: the write replaces it. */
async function readFence(connection: RedisConnection, key: string, appId: string): Promise<string> {
  try {
    return (await connection.hget(key, appId)) ?? "";
  } catch (error) {
    if (isWrongType(error)) return "";
    throw error;
  }
}

function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("WRONGTYPE");
}

/** As WRITE_CACHED_APP has them. */
function argumentsOf({ appId, fence, json, whosever }: CacheWrite, ttlSeconds: number): (string | number)[] {
  const removing = whosever ? "remove" : "release";
  const doing = json === undefined ? [removing, "", 0] : ["set", json, ttlSeconds];
  return [appId, fence.kind, knownOf(fence), ...doing, randomUUID().slice(0, 8), FENCE_SECONDS];
}

function knownOf(fence: CacheWrite["fence"]): string {
  switch (fence.kind) {
    case "record":
      return `${fence.region} ${fence.label} ${fence.sequenceNumber}`;
    case "read":
      return fence.token;
    case "none":
      return "";
  }
}

async function scan(node: RedisClient, cursor: string, pattern: string): Promise<[string, string[]]> {
  return orRedisError("scan the shared app cache", node.scan(cursor, "MATCH", pattern, "COUNT", CONCURRENCY));
}

/**
 * A cluster knows its nodes only once it is connected, which any command brings about.
 *
 * @param key one that the user may read.
 */
async function mastersOf(connection: RedisConnection, key: string): Promise<RedisClient[]> {
  if (!("nodes" in connection)) return [connection];
  await inPages([key], "find the masters", (name) => connection.exists(name));
  const masters = connection.nodes("master");
  if (masters.length === 0) throw new RedisError("find the masters", "the cluster named none");
  return masters;
}

/** Errors of ioredis hold the command's arguments, here whole apps: they are put in Redis' own words. */
async function inPages<T, R>(
  items: readonly T[],
  doing: string,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += CONCURRENCY) {
    results.push(
      ...(await orRedisError(doing, Promise.all(items.slice(from, from + CONCURRENCY).map(work)))),
    );
  }
  return results;
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, "\\$&");
}
