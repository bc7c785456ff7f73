import type { LogShape, RedisShape } from "../../redis/inspection.ts";
import { formatMessageId } from "../../protocol/message-id.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import { type Check, fail, ok, warning } from "./check.ts";

/** What to do when Redis does not answer, by its own word for the reason. */
export function adviceOn(reason: string): string {
  if (/WRONGPASS|invalid password|invalid username/i.test(reason)) {
    return "Wrong user or password: check REDIS_URL, REDIS_USERNAME, REDIS_PASSWORD or the secret.";
  }
  if (reason.includes("NOAUTH"))
    return "It requires a password: put it into REDIS_URL, or set REDIS_PASSWORD.";
  if (reason.includes("NOPERM")) return "The user lacks rights: docs/reference/redis-users.md lists them.";
  if (reason.includes("MOVED"))
    return "It is a node of a cluster: use REDIS_CLUSTER_NODES instead of REDIS_URL.";
  if (reason.includes("WRONGTYPE"))
    return "Something else has one of the log's names: delete it, or choose another APP_SYNC_PREFIX for pipeline and nodes.";
  if (/ENOTFOUND|EAI_AGAIN/.test(reason)) return "The host name is unknown: check REDIS_URL.";
  if (reason.includes("ECONNREFUSED"))
    return "Nothing listens there: check host and port of REDIS_URL, and start Redis.";
  if (/ETIMEDOUT|did not answer/i.test(reason)) {
    return "No answer: check security groups, subnets, host and port; TLS needs rediss:// or REDIS_TLS=on.";
  }
  return "Check REDIS_URL, and Redis' own log.";
}

/** From this share of its memory on, an operator should know. */
const NEARLY_FULL = 0.9;

/** Whether Redis is one that the agents and the pipeline can use. */
export function checkRedis(shape: RedisShape, configured: "standalone" | "sentinel" | "cluster"): Check[] {
  const { version, mode, role, evictionPolicy } = shape;
  const wantsCluster = configured === "cluster";
  return [
    Number(version.split(".")[0]) >= 6
      ? ok("redis", `${version}, ${mode}${configured === "sentinel" ? ", found by Sentinel" : ""}`)
      : fail(
          "redis",
          `expected Redis 6 or later, found ${version}`,
          "Use a newer one: scripts and streams are required.",
        ),
    ...((mode === "cluster") === wantsCluster
      ? []
      : [
          fail(
            "redis topology",
            `configured as ${configured}, and it is ${mode}`,
            wantsCluster
              ? "Use REDIS_URL instead of REDIS_CLUSTER_NODES."
              : "Use REDIS_CLUSTER_NODES instead of REDIS_URL.",
          ),
        ]),
    ...(role === "master" || wantsCluster
      ? []
      : [
          fail(
            "redis role",
            `this is a ${role}`,
            "Use the primary's address: a replica refuses what agents write.",
          ),
        ]),
    ...(evictionPolicy === undefined ||
    evictionPolicy === "noeviction" ||
    evictionPolicy.startsWith("volatile")
      ? []
      : [
          warning(
            "redis eviction",
            `maxmemory-policy is ${evictionPolicy}`,
            "Under memory pressure Redis may evict the log, and nodes flush. Use noeviction or volatile-*.",
          ),
        ]),
    ...checkMemory(shape),
  ];
}

/** A full Redis takes no heartbeat and no message, whatever it may still read. */
function checkMemory({ memory }: RedisShape): Check[] {
  if (!memory || memory.used < NEARLY_FULL * memory.max) return [];
  const [used, max] = [memory.used, memory.max].map((bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`);
  const found = `${used} of ${max} (maxmemory) are used`;
  const advice =
    "Raise maxmemory, or find out what fills it: the log itself is bounded by APP_SYNC_LOG_BYTES.";
  return memory.used < memory.max
    ? [warning("redis memory", found, `When it is full it takes no heartbeat. ${advice}`)]
    : [
        fail(
          "redis memory",
          found,
          `It takes no heartbeats and no messages (OOM): nodes lose their leases. ${advice}`,
        ),
      ];
}

/**
 * Whether the log is there, and nobody else has written to it.
 *
 * @param nodes what they have followed tells a deleted log from one that has not begun.
 */
export function checkLog(
  name: string,
  log: LogShape | undefined,
  nodes: readonly RegisteredNode[] = [],
): Check {
  const hasCursor = ({ answer }: RegisteredNode) => (answer?.cursor ?? "") !== "";
  const hasFlushed = ({ answer }: RegisteredNode) =>
    answer?.flushes?.some(([reason]) => reason === "new-epoch");
  const followed = nodes.find(hasCursor) ?? nodes.find(hasFlushed);
  if (!log && followed) {
    const { entry, answer } = followed;
    const seen = hasCursor(followed)
      ? `had followed it to ${answer?.cursor}`
      : "had followed it, and has flushed";
    return fail(
      "log",
      `${name} is gone: node ${entry.host} ${entry.pid} ${seen}`,
      "Someone deleted it, or Redis was replaced. Nodes have flushed, or will with the next message. Find out who may " +
        "delete it (ACL LOG).",
    );
  }
  if (!log) {
    return fail(
      "log",
      `there is no log ${name}`,
      "Nothing was published yet, or it went to another Redis, database or prefix. Change an app and see whether it arrives " +
        "(soketi-app-sync tail); compare REDIS_URL and APP_SYNC_PREFIX with the function's and the nodes'.",
    );
  }
  const { first, last, length } = log;
  if (!first || !last) {
    return fail(
      "log",
      `${name} has ids that the pipeline did not write`,
      "Something else writes there: choose another APP_SYNC_PREFIX.",
    );
  }
  if (first.epoch === last.epoch && last.seq - first.seq + 1 !== length) {
    return fail(
      "log",
      `${name} has holes: ${length} messages from ${formatMessageId(first)} to ${formatMessageId(last)}`,
      "Something deletes from it, which causes flushes. Find out what (MONITOR, ACL LOG), and revoke the right.",
    );
  }
  return ok("log", `${length} messages, the last is ${formatMessageId(last)}`);
}
