import type { Bus } from "../agent/ports.ts";
import type { LogEntry } from "../protocol/live.ts";
import { formatMessageId, parseMessageId } from "../protocol/message-id.ts";
import { type BusNames, nodeEntry } from "../protocol/names.ts";
import { within } from "../async/within.ts";
import { orRedisError, RedisError, silence } from "./errors.ts";
import type { RedisConnection } from "./library.ts";
import { HEARTBEAT, type HeartbeatReply, runScript } from "./scripts.ts";

/** A node counts as being there for so long after its last heartbeat. Milliseconds. */
const PRESENT_MS = 30_000;

/** One that left without saying so is remembered for a day. Milliseconds. */
const REMEMBERED_MS = 86_400_000;

/** A process that ends does not wait longer for Redis. Milliseconds. */
const LEAVE_LIMIT_MS = 300;

/** Entries of one XRANGE: a long replay goes in pages. */
const ENTRIES_PER_READ = 1_000;

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
   * it then counts as one that left without saying so.
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
  const keys = [names.log, names.nodes, nodeEntry(names, node), names.seen];
  return {
    async heartbeat() {
      const doing = "take a heartbeat";
      const late = () => new RedisError(doing, silence(limitMs));
      const args = [node, entry(), PRESENT_MS, REMEMBERED_MS];
      const beat = runScript(connection, HEARTBEAT, keys, args, doing);
      const [last, run, replication, , nodes, seen] = (await within(limitMs, late, beat)) as HeartbeatReply;
      // Agents of an older version are in `nodes` alone.
      return {
        last: parseMessageId(last),
        server: `${run}/${replication}`,
        nodes,
        left: Math.max(0, seen - nodes),
      };
    },

    async leave() {
      if (connection.status !== "ready") return;
      const gone = Promise.all([
        connection.zrem(names.nodes, node),
        connection.zrem(names.seen, node),
        connection.del(nodeEntry(names, node)),
      ]);
      const leaveMs = Math.min(limitMs, LEAVE_LIMIT_MS);
      await within(leaveMs, "Redis to forget this node", gone).catch(() => undefined);
    },

    async read(after, last) {
      const entries: LogEntry[] = [];
      const to = formatMessageId(last);
      for (let from = after.seq + 1; from <= last.seq;) {
        const first = formatMessageId({ epoch: after.epoch, seq: from });
        const page = await range(connection, names.log, first, to);
        entries.push(...page);
        const newest = page.at(-1);
        if (!newest || page.length < ENTRIES_PER_READ) break;
        from = newest.id.seq + 1;
      }
      return entries;
    },
  };
}

async function range(
  connection: RedisConnection,
  log: string,
  from: string,
  to: string,
): Promise<LogEntry[]> {
  const rows = await orRedisError(
    "read the log",
    connection.xrange(log, from, to, "COUNT", ENTRIES_PER_READ),
  );
  // An entry that is not ours is left out: the hole it makes is seen by whoever counts.
  return rows.flatMap(([id, fields]) => {
    const place = parseMessageId(id);
    const json = fields[0] === "m" ? fields[1] : undefined;
    return place && json !== undefined ? [{ id: place, json }] : [];
  });
}
