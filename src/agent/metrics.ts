import type { Agent } from "./agent.ts";
import type { AppCache } from "./app-cache.ts";
import { FLUSH_REASONS } from "./flush-reasons.ts";
import type { PreviousSecretUses } from "./previous-secret-uses.ts";
import type { AppIdentity } from "./ports.ts";
import { WEBHOOK_DROP_REASONS, type WebhookDropReason } from "./webhook-drop-reasons.ts";

/** Counted outside the cache and the follower, by the agent's reporter. */
export interface AgentCounts {
  changes: number;
  connectionsReplaced: number;
  connectionsClosed: number;
  webhooksRetried: number;
  readonly webhooksDropped: Map<WebhookDropReason, number>;
  itemProblems: number;
  redisErrors: number;
  /** What soketi was spared, by place; each place from the start. */
  readonly guarded: ReadonlyMap<string, number>;
  readonly previousSecrets: Pick<PreviousSecretUses, "counted">;
}

/** One number that the agent counts by itself, read when somebody asks. */
export interface AgentMetric {
  /** After the prefix, `soketi_app_sync_` by default. */
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge";
  /** Whose values `read` then gives, with a number each. Without it a single number, or undefined while it is not known. */
  readonly label?: string;
  readonly read: () => number | undefined | Iterable<readonly [string, number]>;
}

type CacheFigures = Pick<AppCache<AppIdentity>, "size" | "stats" | "indexQueries" | "voidedReads">;

/** Whatever its apps are. */
interface MeasuredAgent extends Pick<Agent<never>, "leaseHeld" | "flushes" | "follower" | "lastTail"> {
  readonly cache: CacheFigures;
  readonly connections: {
    readonly revalidator: { readonly appsInUse: number; readonly boundMs: number };
    readonly pace: { readonly perSecond: number };
    readonly closer: { readonly waiting: number };
  };
  readonly verifier: { readonly verified: number; readonly stale: number };
}

/** Everything the agent shows on `/metrics`, but for the two histograms of lag. docs/reference/metrics.md says what each is for. */
export function agentMetrics(agent: MeasuredAgent, counts: AgentCounts): AgentMetric[] {
  return [
    ...followerMetrics(agent, counts),
    ...cacheMetrics(agent, counts),
    ...connectionMetrics(agent, counts),
    ...previousSecretMetrics(counts),
  ];
}

function followerMetrics(agent: MeasuredAgent, counts: AgentCounts): AgentMetric[] {
  const { follower } = agent;
  return [
    gauge("lease_held", "1 while cached apps are proven fresh, 0 otherwise.", () => Number(agent.leaseHeld)),
    gauge("following", "1 while every message is applied as it comes.", () =>
      Number(follower.state === "following"),
    ),
    gauge("cursor", "Sequence number of the last message applied.", () => follower.cursor?.seq ?? 0),
    // Nothing before the first heartbeat: 0 would say that nobody is there, and that nobody has vanished.
    gauge("nodes", "Nodes in the registry, including this one.", () => agent.lastTail?.nodes),
    gauge("nodes_left", "Nodes that vanished within a day.", () => agent.lastTail?.left),
    counter("messages_total", "Messages of the log applied.", () => follower.stats.messages),
    counter("changes_total", "Changes in those messages.", () => counts.changes),
    counter(
      "replays_total",
      "Times that missed messages were read from the log.",
      () => follower.stats.replays,
    ),
    counter("replayed_messages_total", "Messages applied by replay.", () => follower.stats.replayedMessages),
    {
      // All of them from the start: Prometheus sees no increase in a counter that begins at 1.
      ...counter("flushes_total", "Flushes: times that all apps had to be read again.", () =>
        FLUSH_REASONS.map((reason) => [reason, agent.flushes.get(reason) ?? 0] as const),
      ),
      label: "reason",
    },
    counter(
      "redis_errors_total",
      "Failures of Redis, one for each command or connection.",
      () => counts.redisErrors,
    ),
  ];
}

function cacheMetrics({ cache, verifier }: MeasuredAgent, counts: AgentCounts): AgentMetric[] {
  return [
    gauge("entries", "Apps in the cache.", () => cache.size),
    counter("drops_total", "Apps dropped because a message named them.", () => cache.stats.drops),
    counter("hits_total", "Lookups answered from the cache.", () => cache.stats.hits),
    counter("misses_total", "Lookups that waited for the table.", () => cache.stats.misses),
    counter("loads_total", "Reads of the table by id.", () => cache.stats.loads),
    counter("resolves_total", "Queries of the index by key.", () => cache.indexQueries),
    counter("voided_reads_total", "Reads repeated because a message overtook them.", () => cache.voidedReads),
    counter(
      "load_errors_total",
      "Lookups for which the table could not be read.",
      () => cache.stats.loadErrors,
    ),
    counter(
      "stale_served_total",
      "Unverified apps served because the table could not be read.",
      () => cache.stats.staleServed,
    ),
    counter("item_problems_total", "Items read that have problems.", () => counts.itemProblems),
    counter("verified_total", "Cached apps compared with the table.", () => verifier.verified),
    counter(
      "stale_found_total",
      "Cached apps that differed from the table without a message.",
      () => verifier.stale,
    ),
  ];
}

function connectionMetrics({ connections }: MeasuredAgent, counts: AgentCounts): AgentMetric[] {
  return [
    gauge("apps_in_use", "Apps with open connections.", () => connections.revalidator.appsInUse),
    gauge(
      "in_use_bound_seconds",
      "After a flush, or without Redis, all of them are read again within this time.",
      () => connections.revalidator.boundMs / 1_000,
    ),
    gauge(
      "reads_allowed_per_second",
      "Reads per second allowed for apps in use.",
      () => connections.pace.perSecond,
    ),
    gauge(
      "connections_closing",
      "Open connections that wait to be closed.",
      () => connections.closer.waiting,
    ),
    counter(
      "connections_refreshed_total",
      "Open connections updated in place.",
      () => counts.connectionsReplaced,
    ),
    counter(
      "connections_closed_total",
      "Open connections closed because of a change.",
      () => counts.connectionsClosed,
    ),
    {
      ...counter("guarded_total", "Times that a guard protected soketi.", () => counts.guarded),
      label: "where",
    },
    counter(
      "webhooks_retried_total",
      "Failed attempts to send webhooks that will be retried.",
      () => counts.webhooksRetried,
    ),
    {
      ...counter("webhooks_dropped_total", "Webhooks that were not sent.", () =>
        WEBHOOK_DROP_REASONS.map((reason) => [reason, counts.webhooksDropped.get(reason) ?? 0] as const),
      ),
      label: "reason",
    },
  ];
}

function previousSecretMetrics({ previousSecrets }: AgentCounts): AgentMetric[] {
  return [
    {
      ...counter("previous_secret_taken_total", "Uses of an app's previous secret that were accepted.", () =>
        previousSecrets.counted("taken"),
      ),
      label: "app_id",
    },
    {
      ...counter(
        "previous_secret_refused_total",
        "Uses of an app's previous secret that were refused after the overlap.",
        () => previousSecrets.counted("refused"),
      ),
      label: "app_id",
    },
  ];
}

function counter(name: string, help: string, read: AgentMetric["read"]): AgentMetric {
  return { name, help, kind: "counter", read };
}

function gauge(name: string, help: string, read: () => number | undefined): AgentMetric {
  return { name, help, kind: "gauge", read };
}
