import type { Bus, Tail } from "../agent/ports.ts";
import type { LogEntry } from "../protocol/live.ts";
import { formatMessageId, parseMessageId } from "../protocol/message-id.ts";
import { type BusNames, nodeEntry } from "../protocol/names.ts";
import { within } from "../async/within.ts";
import { orRedisError, RedisError, silence } from "./errors.ts";
import type { RedisConnection } from "./library.ts";
import { HEARTBEAT, type HeartbeatReply, runScript } from "./scripts.ts";
import { NO_WITNESSES, vouchedHeartbeat, type Witnesses } from "./vouched.ts";

/** A node counts as being there for so long after its last heartbeat. Milliseconds. */
const PRESENT_MS = 30_000;

/** One that left without saying so is remembered for a day. Milliseconds. */
const REMEMBERED_MS = 86_400_000;

/** A process that ends does not wait longer for Redis. Milliseconds. */
const LEAVE_LIMIT_MS = 300;

const NO_IDENTITY = "its INFO has no run_id or no master_replid, so that no app can be proven fresh";

/** No message can be numbered after it, so that none is taken: as with a full server, nothing may count as proven there. */
const FOREIGN_END =
  "its last id is not one that messages have, so that none can follow: somebody else has written to the log. Delete it";

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
  /** Who can tell whether the server that takes heartbeats is the primary. Default: nobody. */
  readonly witnesses?: Witnesses | undefined;
  readonly resubscribe: () => void;
  /** Called at each heartbeat whose server does not identify itself: such a server proves nothing. */
  readonly onAnonymous: (error: RedisError) => void;
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
  const { node, entry, limitMs, resubscribe, onAnonymous, witnesses = NO_WITNESSES } = options;
  const keys = [names.log, names.last, names.nodes, nodeEntry(names, node), names.seen];

  async function beat(): Promise<Tail> {
    const args = [node, entry(), PRESENT_MS, REMEMBERED_MS];
    const reply = await runScript(connection, HEARTBEAT, keys, args, "take a heartbeat");
    const [last, run, replication, , nodes, seen] = reply as HeartbeatReply;
    const end = parseMessageId(last);
    if (!end && last !== "") throw new RedisError("tell the log's end", FOREIGN_END);
    const isKnown = run !== "" && replication !== "";
    if (!isKnown) onAnonymous(new RedisError("identify itself", NO_IDENTITY));
    const server = isKnown ? `${run}/${replication}` : undefined;
    // Agents of an older version are in `nodes` alone.
    const left = Math.max(0, seen - nodes);
    return { last: end, server, run: run === "" ? undefined : run, nodes, left };
  }

  return {
    heartbeat: () => {
      const late = () => new RedisError("take a heartbeat", silence(limitMs));
      return within(limitMs, late, vouchedHeartbeat(beat, witnesses));
    },

    resubscribe,

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
