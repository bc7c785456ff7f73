import type { Bus } from "../agent/ports.ts";
import type { LogEntry } from "../protocol/live.ts";
import { formatMessageId, parseMessageId } from "../protocol/message-id.ts";
import { type BusNames, nodeEntry } from "../protocol/names.ts";
import { RedisError, type RedisConnection } from "./connection.ts";
import { HEARTBEAT, runScript } from "./scripts.ts";

/** A node's registry entry lives this long after its last heartbeat. Milliseconds. */
const ENTRY_EXPIRY_MS = 30_000;

/** A process that ends does not wait longer for Redis. Milliseconds. */
const LEAVE_LIMIT_MS = 300;

/** Entries of one XRANGE: a long replay goes in pages. */
const PAGE = 1_000;

export interface RedisBusOptions {
  /** This node's id in the registry. */
  readonly node: string;
  /** What the registry shows of this node, as JSON; asked for at each heartbeat. */
  readonly entry: () => string;
  /**
   * How long an answer may take, in milliseconds. ioredis has a limit for commands that it has sent, but none for those
   * that wait until a cluster is there.
   */
  readonly limitMs: number;
}

export interface RedisBus extends Bus {
  /**
   * Takes this node out of the registry: it ends, and nobody should wait for it. Resolves also when that was not possible:
   * its entry then expires.
   */
  leave(): Promise<void>;
}

/** The agent's end of the log. */
export function createRedisBus(
  connection: RedisConnection,
  names: BusNames,
  options: RedisBusOptions,
): RedisBus {
  const { node, entry, limitMs } = options;
  const keys = [names.log, names.nodes, nodeEntry(names, node)];
  return {
    async heartbeat() {
      const doing = "take a heartbeat";
      const beat = runScript(connection, HEARTBEAT, keys, [node, entry(), ENTRY_EXPIRY_MS], doing);
      const reply = await withLimit(beat, limitMs, doing);
      const [last, run, replication] = reply as [string, string, string, string];
      const id = parseMessageId(last);
      return { ...(id ? { last: id } : {}), server: `${run}/${replication}` };
    },

    async leave() {
      if (connection.status !== "ready") return;
      const gone = Promise.all([connection.zrem(names.nodes, node), connection.del(nodeEntry(names, node))]);
      await withLimit(gone, Math.min(limitMs, LEAVE_LIMIT_MS), "forget a node").catch(() => undefined);
    },

    async read(after, last) {
      const entries: LogEntry[] = [];
      const to = formatMessageId(last);
      for (let from = after.seq + 1; from <= last.seq;) {
        const page = await range(
          connection,
          names.log,
          formatMessageId({ epoch: after.epoch, seq: from }),
          to,
        );
        entries.push(...page);
        const newest = page.at(-1);
        if (!newest || page.length < PAGE) break;
        from = newest.id.seq + 1;
      }
      return entries;
    },
  };
}

async function withLimit<T>(work: Promise<T>, limitMs: number, doing: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new RedisError(doing, new Error(`no answer within ${limitMs} ms`)));
    }, limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function range(
  connection: RedisConnection,
  log: string,
  from: string,
  to: string,
): Promise<LogEntry[]> {
  let rows: [string, string[]][];
  try {
    rows = await connection.xrange(log, from, to, "COUNT", PAGE);
  } catch (error) {
    throw new RedisError("read the log", error);
  }
  // An entry that is not ours is left out: the hole it makes is seen by whoever counts.
  return rows.flatMap(([id, fields]) => {
    const place = parseMessageId(id);
    const json = fields[0] === "m" ? fields[1] : undefined;
    return place && json !== undefined ? [{ id: place, json }] : [];
  });
}
