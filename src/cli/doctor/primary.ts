import type { RedisShape } from "../../redis/inspection.ts";
import type { Verdict } from "../../redis/majority.ts";
import { serverInEpoch } from "../../redis/vouched.ts";
import { type Check, fail, ok, warning } from "./check.ts";

/** What those who can tell said of who is the primary. */
export interface PrimaryShape {
  readonly configured: "standalone" | "sentinel" | "cluster";
  readonly minReplicas: number;
  /** Undefined where there is nobody to ask; an error where no majority agrees. */
  readonly verdict: Verdict | Error | undefined;
  /** Whether that is the server that this connection leads to. */
  readonly isNamed: boolean;
  /** Servers that call themselves primary, and are not the one that is named. */
  readonly others: readonly string[];
  /** Of a cluster. */
  readonly masters: number;
}

/** The server that nodes must follow; undefined while nobody can say which it is. */
export function serverOf({ server }: RedisShape, { verdict }: PrimaryShape): string | undefined {
  return server === undefined || verdict instanceof Error ? undefined : serverInEpoch(server, verdict);
}

const NAME = "one primary";

/** Which protection from a second primary is in force. */
export function checkPrimary(redis: RedisShape, shape: PrimaryShape): Check[] {
  const { verdict, isNamed, others } = shape;
  const checks = redis.hasIdentity
    ? []
    : [
        fail(
          "redis identity",
          "INFO has no run_id or no master_replid",
          "Nodes get no lease there and read the table every few seconds: use a Redis that identifies itself.",
        ),
      ];
  if (verdict instanceof Error) {
    const advice =
      "No message or heartbeat counts until they agree: make sure that most of them run and are reachable from here.";
    return [...checks, fail(NAME, verdict.message, advice)];
  }
  const found = [...others, ...(verdict && !isNamed ? ["the one that this connection uses"] : [])];
  if (verdict && found.length > 0) {
    const advice =
      "What is written there is lost. Stop it, or make it a replica; check its log and the sentinels'.";
    checks.push(fail("two primaries", `${verdict.primary}, and ${found.join(", ")}`, advice));
  }
  return [...checks, verdict ? byMajority(verdict, shape) : byReplicas(redis, shape)];
}

function byMajority({ primary, epoch }: Verdict, { configured, masters }: PrimaryShape): Check {
  if (configured === "sentinel")
    return ok(NAME, `a majority of the sentinels names ${primary}, epoch ${epoch}`);
  if (masters >= 3) return ok(NAME, `a majority of the ${masters} masters says that ${primary} has the log`);
  const advice = "Use three masters or more: fewer cannot outvote a replaced one.";
  return warning(NAME, `the cluster has ${masters} masters, too few for a majority`, advice);
}

function byReplicas({ replicas }: RedisShape, { minReplicas }: PrimaryShape): Check {
  if (minReplicas === 0 && replicas === 0)
    return ok(NAME, "a single server without replicas: nothing can replace it");
  const need = Math.ceil(replicas / 2);
  const advice = `Set APP_SYNC_MIN_REPLICAS to ${Math.max(1, need)}, the same for functions and nodes (docs/redis.md).`;
  if (minReplicas === 0)
    return warning(NAME, `${replicas} replicas, and no protection from a second primary`, advice);
  if (replicas < minReplicas) {
    const wait =
      "No message or heartbeat counts until that many are there: start them, or lower APP_SYNC_MIN_REPLICAS.";
    return fail(NAME, `APP_SYNC_MIN_REPLICAS is ${minReplicas}, and there are ${replicas} replicas`, wait);
  }
  if (minReplicas < need)
    return warning(
      NAME,
      `WAIT ${minReplicas} of ${replicas} replicas: two primaries could each have that many`,
      advice,
    );
  return ok(NAME, `WAIT ${minReplicas} of ${replicas} replicas`);
}
