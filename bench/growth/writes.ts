import { setTimeout as pause } from "node:timers/promises";
import { openAppsTable } from "../../local/apps-table.ts";
import { openRedis } from "../../src/redis/connection.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { type SoketiNode, startSoketi } from "../../local/soketi-node.ts";
import { agentFile } from "../../local/stack.ts";
import { encodeChanges } from "../../src/protocol/encode.ts";
import type { Change } from "../../src/protocol/message.ts";
import { busNames } from "../../src/protocol/names.ts";
import { askVersion } from "../../test/chaos/nodes/requests.ts";
import { versionAttributes } from "../../test/chaos/nodes/apps.ts";
import { connectionTo } from "../bus/ways.ts";
import { median } from "../statistics.ts";

const SECONDS = 4;
/** Each is measured this often, and the middle one counts: a collection of garbage is worth many changes. */
const TIMES = 5;
const BATCHES_PER_SECOND = 10;
/** Apps that the node has in its cache, and so reads again when they change. */
const IN_USE = 500;
const NAME = "growth-writes";

/** What changes cost a node, beyond what it takes when nothing happens. CPU in microseconds a second. */
export interface WritesFigures {
  readonly writesPerSecond: number;
  /** Of apps that the node does not hold. */
  readonly cpuNotHeld: number;
  /** Of apps that it holds: each is read from the table again. */
  readonly cpuHeld: number;
}

export async function measureWrites(
  dynamodbEndpoint: string,
  redisUrl: string,
  rates: readonly number[],
): Promise<WritesFigures[]> {
  const table = await openAppsTable(dynamodbEndpoint, NAME);
  for (let i = 0; i < IN_USE; i += 1)
    await table.put({
      AppId: { S: `held-${i}` },
      AppKey: { S: `held-${i}-key` },
      AppSecret: { S: `held-${i}-secret` },
      ...versionAttributes(1),
    });
  const prefix = `{${NAME}}`;
  const node = await startSoketi({
    dynamodbEndpoint,
    table: NAME,
    redisUrl,
    agent: agentFile,
    env: { APP_SYNC_PREFIX: prefix, APP_SYNC_VERIFY_EVERY_MS: "0" },
  });
  const port = Number(new URL(redisUrl).port);
  const redis = openRedis(connectionTo(port));
  const log = createRedisLog(redis, busNames(prefix), { logLength: 10_000, logBytes: 2 ** 25 });
  const publish = async (ids: readonly string[]) => {
    const changes = ids.map((appId): Change => ({
      appId,
      type: "updated",
      keys: [`${appId}-key`],
      changed: ["secret"],
    }));
    await log.append(encodeChanges(changes, { table: NAME, at: Date.now() }));
  };
  let next = 0;
  const at = async (rate: number, kind: "held" | "other") => {
    for (let i = 0; kind === "held" && i < IN_USE; i += 1) await askVersion(node.port, `held-${i}`);
    const each = Math.max(1, Math.round(rate / BATCHES_PER_SECOND));
    return cpuDuring(node, async () => {
      const start = performance.now();
      for (let sent = 0; sent < rate * SECONDS; sent += each) {
        await pause(Math.max(0, start + (sent / rate) * 1_000 - performance.now()));
        await publish(Array.from({ length: each }, () => `${kind}-${(next += 1) % IN_USE}`));
      }
      await pause(Math.max(0, start + SECONDS * 1_000 - performance.now()));
    });
  };
  await at(100, "held");
  const idle = await middle(() => cpuDuring(node, () => pause(SECONDS * 1_000)));
  const figures: WritesFigures[] = [];
  for (const writesPerSecond of rates) {
    const cpuNotHeld = (await middle(() => at(writesPerSecond, "other"))) - idle;
    const cpuHeld = (await middle(() => at(writesPerSecond, "held"))) - idle;
    figures.push({ writesPerSecond, cpuNotHeld, cpuHeld });
  }
  await node.stop();
  redis.disconnect();
  return figures;
}

async function middle(measure: () => Promise<number>): Promise<number> {
  const figures: number[] = [];
  for (let i = 0; i < TIMES; i += 1) figures.push(await measure());
  return median(figures);
}

/** Microseconds a second. */
async function cpuDuring(node: SoketiNode, work: () => Promise<unknown>): Promise<number> {
  const before = await cpuSeconds(node);
  const start = performance.now();
  await work();
  return (((await cpuSeconds(node)) - before) * 1e6) / ((performance.now() - start) / 1_000);
}

/** What the process has used since its start, from soketi's own metrics. */
async function cpuSeconds({ metricsPort }: SoketiNode): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const seconds = Number(/process_cpu_seconds_total(?:\{[^}]*\})? ([\d.]+)/.exec(text)?.[1]);
  if (Number.isNaN(seconds))
    throw new Error("expected process_cpu_seconds_total among soketi's metrics, found it not");
  return seconds;
}
