import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { startRedis } from "../../../local/redis-server.ts";
import type { RelayProcess } from "../../../local/relay.ts";
import { startProxy, type TcpProxy } from "../../../local/tcp-proxy.ts";
import { messagesIn } from "../../support/log-messages.ts";
import { relayNames } from "../../../src/protocol/names.ts";
import { eventually, item } from "../../support/fleet.ts";
import { isNow, type RelayPlace, relayPlace } from "../../support/relay.ts";

/** One of two relays, each with ways of its own to Redis and to DynamoDB. */
export interface FaultyRelay {
  readonly relay: RelayProcess;
  readonly toRedis: TcpProxy;
  readonly toDynamoDb: TcpProxy;
}

export interface RelayFault {
  readonly name: string;
  /** What happens to the one that is active, from the first third of the changes on. Resolves when it is over. */
  happen(active: FaultyRelay, parts: { readonly redis: Redis; readonly lease: string }): Promise<void>;
  /** Whether another one has to become active, and whether that is counted. */
  readonly succession: "none" | "one" | "many";
}

export interface RelayOutcome {
  readonly fault: string;
  /** Writes: half of them to apps that are written once, half to a few that are written again and again. */
  readonly changes: number;
  /** Apps that no message names, and those whose last message is not their last change. */
  readonly lost: number;
  /** Messages of an app that come after a newer one of it. */
  readonly outOfOrder: number;
  /** Apps written once that more than one message names. */
  readonly doubled: number;
  /** How often a relay became active. */
  readonly terms: number;
  /** From the fault to another one's lease. Milliseconds; undefined when there was to be none, or many. */
  readonly successionMs: number | undefined;
  /** From a write to the attempt that published it: the longest. Milliseconds. */
  readonly longestDelayMs: number;
}

const APPS = 8;
const FIRST_NUMBER = 1;

/** Two relays, a steady stream of changes through a fault of the active one, and what the log has of them in the end. */
export async function runFault(
  fault: RelayFault,
  dynamodbEndpoint: string,
  changes: number,
): Promise<RelayOutcome> {
  const server = await startRedis();
  const redis = new Redis(server.url);
  const stops: (() => Promise<unknown>)[] = [() => server.stop(), () => redis.quit()];
  try {
    const place = await relayPlace(dynamodbEndpoint, server.url);
    const { lease, terms } = relayNames(place.names);
    const active = await startFaulty("first", place, server.port, stops);
    await eventually("the first to be active", () => isNow(active.relay, "active"));
    const standby = await startFaulty("second", place, server.port, stops);
    await eventually("the second to wait", () => isNow(standby.relay, "standby"));
    const written = new Map<number, number>();
    let happening: Promise<void> | undefined;
    let succession: Promise<number> | undefined;
    for (let number = FIRST_NUMBER; number < FIRST_NUMBER + changes / 2; number += 1) {
      if (number === Math.ceil(changes / 6)) {
        const token = await redis.get(lease);
        const at = Date.now();
        happening = fault.happen(active, { redis, lease });
        if (fault.succession === "one") succession = anothersLease(redis, lease, token, at);
      }
      await place.table.put(item(`once-${number}`));
      written.set(number, Date.now());
      await place.table.put(item(`app-${number % APPS}`, { AppKey: { S: `again-${number}` } }));
      await pause(10);
    }
    await happening;
    const log = () => readLog(redis, place);
    const lostIn = ({ once, again }: LogContents) =>
      [...written.keys()].filter((number) => !once.has(number)).length + unfinished(again, written.size);
    // What is lost does not come: it is counted.
    await eventually("every change", async () => lostIn(await log()) === 0, 60_000).catch(() => undefined);
    const told = await log();
    const { once, again, doubled } = told;
    return {
      fault: fault.name,
      changes: 2 * written.size,
      lost: lostIn(told),
      outOfOrder: [...again.values()].reduce((sum, numbers) => sum + disorder(numbers), 0),
      doubled,
      terms: Number(await redis.get(terms)),
      successionMs: await succession,
      longestDelayMs: Math.max(...[...written].map(([number, at]) => (once.get(number) ?? Infinity) - at)),
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function startFaulty(
  name: string,
  place: RelayPlace,
  redisPort: number,
  stops: (() => Promise<unknown>)[],
): Promise<FaultyRelay> {
  const toRedis = await startProxy({ host: "127.0.0.1", port: redisPort });
  const toDynamoDb = await startProxy({
    host: "127.0.0.1",
    port: Number(new URL(place.options.dynamodbEndpoint).port),
  });
  const relay = await place.start({
    name,
    redisUrl: `redis://127.0.0.1:${toRedis.port}`,
    dynamodbEndpoint: `http://127.0.0.1:${toDynamoDb.port}`,
  });
  stops.push(
    () => toRedis.close(),
    () => toDynamoDb.close(),
    () => relay.stop(),
  );
  return { relay, toRedis, toDynamoDb };
}

/** Milliseconds until somebody else has the lease. */
async function anothersLease(
  redis: Redis,
  lease: string,
  token: string | null,
  since: number,
): Promise<number> {
  await eventually("another relay's lease", async () => {
    const now = await redis.get(lease);
    return now !== null && now !== token;
  });
  return Date.now() - since;
}

interface LogContents {
  /** Number of an app that was written once -> when the attempt began that published it. */
  readonly once: Map<number, number>;
  readonly doubled: number;
  /** App that was written again and again -> the numbers that it was told with, in order. */
  readonly again: Map<string, number[]>;
}

async function readLog(redis: Redis, { names }: RelayPlace): Promise<LogContents> {
  const once = new Map<number, number>();
  const again = new Map<string, number[]>();
  let doubled = 0;
  for (const decoded of await messagesIn(redis, names.log)) {
    if (decoded.kind !== "changes") continue;
    // Many changes at once have no view of their apps: the number is in the key, which every change has.
    for (const { appId, key } of decoded.message.changes) {
      const number = Number(/^once-(\d+)$/.exec(appId)?.[1] ?? Number.NaN);
      if (Number.isNaN(number))
        again.set(appId, [...(again.get(appId) ?? []), Number(/^again-(\d+)$/.exec(key ?? "")?.[1] ?? 0)]);
      else if (once.has(number)) doubled += 1;
      else once.set(number, decoded.message.at);
    }
  }
  return { once, again, doubled };
}

function disorder(numbers: readonly number[]): number {
  return numbers.filter((number, i) => i > 0 && number <= (numbers[i - 1] ?? 0)).length;
}

/** Apps whose last message is not their last change. */
function unfinished(again: ReadonlyMap<string, readonly number[]>, last: number): number {
  const newest = Array.from({ length: APPS }, (_, i) => last - i);
  return newest.filter((number) => again.get(`app-${number % APPS}`)?.at(-1) !== number).length;
}
