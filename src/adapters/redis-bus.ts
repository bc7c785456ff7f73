import type { Bus } from "../agent/ports.ts";
import type { LogEntry } from "../protocol/live.ts";
import { formatMessageId, parseMessageId } from "../protocol/message-id.ts";
import type { BusNames } from "../protocol/names.ts";
import { RedisError, type RedisConnection } from "./redis.ts";
import { HEARTBEAT, runScript } from "./redis-scripts.ts";

/** The registry of nodes is dropped this long after the last agent wrote to it. Milliseconds. */
const REGISTRY_EXPIRY_MS = 24 * 60 * 60 * 1000;

/** Entries of one XRANGE: a long replay goes in pages. */
const PAGE = 1_000;

/**
 * The agent's end of the log.
 *
 * @param node this node's id in the registry.
 * @param entry what the registry shows of this node, as JSON, asked for at each heartbeat.
 */
export function createRedisBus(
  connection: RedisConnection,
  names: BusNames,
  node: string,
  entry: () => string,
): Bus {
  return {
    async heartbeat() {
      const args = [node, entry(), REGISTRY_EXPIRY_MS];
      const reply = await runScript(
        connection,
        HEARTBEAT,
        [names.log, names.nodes],
        args,
        "take a heartbeat",
      );
      const [last, run, replication] = reply as [string, string, string, string];
      const id = parseMessageId(last);
      return { ...(id ? { last: id } : {}), server: `${run}/${replication}` };
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
