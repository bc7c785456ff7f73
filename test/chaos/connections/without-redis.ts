import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type AppsTable, openAppsTable } from "../../../local/apps-table.ts";
import { codeOf, connect } from "../../../local/pusher-client.ts";
import { startRedis } from "../../../local/redis-server.ts";
import { type SoketiNode, startSoketi } from "../../../local/soketi-node.ts";
import { agentFile } from "../../../local/stack.ts";
import { Random } from "../../simulation/random.ts";
import { eventually, item } from "../../support/fleet.ts";

/** How long clients of disabled apps stayed connected to a node that has lost its Redis. Milliseconds, from the write on. */
export interface WithoutRedisOutcome {
  readonly apps: number;
  readonly disabled: number;
  readonly medianOpenMs: number;
  readonly longestOpenMs: number;
  /** What the node says itself: `in_use_bound_seconds`. */
  readonly statedBoundMs: number;
  /** Reads a second that the node made meanwhile. */
  readonly readsPerSecond: number;
  readonly stillOpen: number;
  /** Clients of apps that were not disabled, and were closed. */
  readonly wronglyClosed: number;
}

export interface WithoutRedisOptions {
  readonly dynamodbEndpoint: string;
  readonly apps: number;
  readonly seed: number;
}

/** The writes are spread over this: some come just before their app is read again, some just after. */
const SPREAD_MS = 10_000;
const MAX_DISABLED = 200;
const CONNECT_CONCURRENCY = 25;
const AFTER_MS = 20_000;

/** A real node, one real client for each app; then Redis is killed, for good, and apps are disabled. */
export async function runWithoutRedis(options: WithoutRedisOptions): Promise<WithoutRedisOutcome> {
  const { dynamodbEndpoint, apps, seed } = options;
  const name = `connections-${randomUUID().slice(0, 8)}`;
  const table = await openAppsTable(dynamodbEndpoint, name);
  const ids = Array.from({ length: apps }, (_, i) => `app-${i}`);
  for (const id of ids) await table.put(item(id));
  const redis = await startRedis();
  const node = await startSoketi({ dynamodbEndpoint, table: name, redisUrl: redis.url, agent: agentFile });
  const clients = new Clients(node.port);
  try {
    await clients.connectAll(ids);
    redis.child.signal("SIGKILL");
    await eventually("the lease to end", async () => (await node.metrics()).lease_held === 0);
    await eventually("the apps to be counted", async () => (await node.metrics()).apps_in_use === apps);
    const statedBoundMs = ((await node.metrics()).in_use_bound_seconds ?? 0) * 1_000;
    const before = await figuresOf(node);
    const disabled = await disable(table, ids, new Random(`connections ${seed}`), clients);
    await clients.settled(disabled, AFTER_MS);
    const after = await figuresOf(node);
    return {
      apps,
      disabled: disabled.size,
      ...clients.outcome(disabled),
      statedBoundMs: Math.round(statedBoundMs),
      readsPerSecond: Math.round(((after.loads - before.loads) / (after.at - before.at)) * 1_000),
    };
  } finally {
    clients.stop();
    await node.stop();
    await redis.stop();
  }
}

async function figuresOf(node: SoketiNode) {
  const { loads_total: loads = 0 } = await node.metrics();
  return { at: performance.now(), loads };
}

/** @returns when each was. */
async function disable(
  table: AppsTable,
  ids: readonly string[],
  random: Random,
  clients: Clients,
): Promise<ReadonlyMap<string, number>> {
  const chosen = [...ids].sort(() => random.between(-1, 1)).slice(0, Math.min(MAX_DISABLED, ids.length / 2));
  const disabled = new Map<string, number>();
  for (const id of chosen) {
    await pause(SPREAD_MS / chosen.length);
    if (clients.closed.has(id))
      throw new Error(`expected ${id} to be open until it is disabled, found it closed`);
    disabled.set(id, performance.now());
    await table.update(id, { Enabled: { BOOL: false } });
  }
  return disabled;
}

class Clients {
  /** App id -> when its client was told to go. */
  readonly closed = new Map<string, number>();
  readonly #port: number;
  readonly #stops: (() => void)[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  async connectAll(ids: readonly string[]): Promise<void> {
    for (let i = 0; i < ids.length; i += CONNECT_CONCURRENCY)
      await Promise.all(ids.slice(i, i + CONNECT_CONCURRENCY).map((id) => this.#connect(id)));
  }

  async settled(disabled: ReadonlyMap<string, number>, limitMs: number): Promise<void> {
    const until = performance.now() + limitMs;
    while ([...disabled.keys()].some((id) => !this.closed.has(id)) && performance.now() < until)
      await pause(20);
  }

  outcome(disabled: ReadonlyMap<string, number>) {
    const open = [...disabled].flatMap(([id, at]) => {
      const closedAt = this.closed.get(id);
      return closedAt === undefined ? [] : [closedAt - at];
    });
    const sorted = open.sort((left, right) => left - right);
    return {
      medianOpenMs: Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN),
      longestOpenMs: Math.round(sorted.at(-1) ?? Number.NaN),
      stillOpen: disabled.size - open.length,
      wronglyClosed: [...this.closed.keys()].filter((id) => !disabled.has(id)).length,
    };
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  async #connect(id: string): Promise<void> {
    const connection = await connect({ port: this.#port, key: `${id}-key` });
    this.#stops.push(() => connection.disconnect());
    connection.client.connection.bind("error", (event: unknown) => {
      if (codeOf(event) !== undefined && !this.closed.has(id)) this.closed.set(id, performance.now());
    });
  }
}
