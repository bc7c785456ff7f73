import { setTimeout as pause } from "node:timers/promises";
import type { RelayProcess } from "../../../local/relay.ts";
import { follow } from "../../../src/library/follow.ts";
import { eventually, item } from "../../support/fleet.ts";
import { isNow, relayPlace } from "../../support/relay.ts";
import { type ChaosRedis, type RedisForm, startChaosRedis } from "../nodes/redis-forms.ts";

export interface RelayFailover {
  readonly name: string;
  readonly form: Exclude<RedisForm, "standalone">;
  /** What happens to Redis, from the first third of the changes on. Resolves when it is over. */
  happen(redis: ChaosRedis, log: string): Promise<void>;
}

export interface FailoverOutcome {
  readonly fault: string;
  readonly form: RedisForm;
  readonly changes: number;
  /** Changes of which a follower was told neither by a message nor, afterwards, by a flush. */
  readonly missed: number;
  /** Of a follower: how often it was told to forget everything, after it had reached the log. */
  readonly flushes: number;
  /** From a write to the message or flush that a follower had of it: the longest. Milliseconds. */
  readonly longestDelayMs: number;
}

export const FAILOVERS: readonly RelayFailover[] = [
  {
    name: "primary killed",
    form: "Sentinel",
    happen: (redis, log) => redis.failover(log, "SIGKILL"),
  },
  {
    name: "primary frozen",
    form: "Sentinel",
    happen: (redis, log) => redis.failover(log, "SIGSTOP"),
  },
  { name: "two primaries for 8 s", form: "Sentinel", happen: (redis) => redis.twoMasters(8_000) },
  { name: "primary killed", form: "Cluster", happen: (redis, log) => redis.failover(log, "SIGKILL") },
  { name: "primary frozen", form: "Cluster", happen: (redis, log) => redis.failover(log, "SIGSTOP") },
];

const PAUSE_MS = 20;

/**
 * Two relays and a follower on a Redis whose primary is replaced under a steady stream of changes. Replication is asynchronous: a
 * message may be lost with the primary that had it. Then the follower must learn by a flush that it may have missed one.
 */
export async function runFailover(
  fault: RelayFailover,
  dynamodbEndpoint: string,
  changes: number,
): Promise<FailoverOutcome> {
  const redis = await startChaosRedis(fault.form, 1);
  const stops: (() => Promise<unknown>)[] = [() => redis.stop()];
  try {
    const place = await relayPlace(dynamodbEndpoint, undefined);
    const start = async (name: string): Promise<RelayProcess> => {
      const relay = await place.start({ name, env: redis.functionEnv });
      stops.push(() => relay.stop());
      return relay;
    };
    const written = new Map<string, number>();
    /** App -> when the follower was first told of it. */
    const told = new Map<string, number>();
    let flushes = 0;
    let reached = false;
    const follower = follow({
      environment: redis.nodeEnv[0] ?? {},
      table: place.options.table,
      prefix: place.prefix,
      onChange: ({ appId }) => tell([appId]),
      onFlush: () => {
        if (reached) flushes += 1;
        tell(written.keys());
      },
      // Redis is away for some of the time.
      onError: () => undefined,
    });
    stops.push(() => follower.close());
    function tell(apps: Iterable<string>): void {
      for (const app of apps) if (!told.has(app)) told.set(app, Date.now());
    }
    const first = await start("first");
    await eventually("a relay to be active", () => isNow(first, "active"));
    await start("second");
    await follower.ready;
    reached = true;
    let happening: Promise<void> | undefined;
    for (let number = 0; number < changes; number += 1) {
      if (number === Math.ceil(changes / 3)) happening = fault.happen(redis, place.names.log);
      await place.table.put(item(`app-${number}`));
      written.set(`app-${number}`, Date.now());
      await pause(PAUSE_MS);
    }
    await happening;
    const isComplete = () => Promise.resolve([...written.keys()].every((app) => told.has(app)));
    // What is missed is counted: it is the outcome, not an error of this run.
    await eventually("every change to be told of", isComplete, 60_000).catch(() => undefined);
    return {
      fault: fault.name,
      form: fault.form,
      changes: written.size,
      missed: [...written.keys()].filter((app) => !told.has(app)).length,
      flushes,
      longestDelayMs: Math.max(...[...written].map(([app, at]) => (told.get(app) ?? Infinity) - at)),
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
