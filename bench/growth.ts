/**
 * `npm run bench:growth [-- --apps N]`: what grows with apps, with cached apps, with nodes and with writes, and how fast.
 *
 * --apps N   the largest table; default 1,000,000, which takes DynamoDB Local some minutes to fill
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { startDynamoDbLocal } from "../src/local/dynamodb-local.ts";
import { startRedis } from "../src/local/redis-server.ts";
import { JAVA, provide, REDIS } from "../src/local/requirements.ts";
import { measureNodes } from "./growth/nodes.ts";
import { exponent, slope } from "./growth/slope.ts";
import { measureTable } from "./growth/table.ts";
import { measureWrites } from "./growth/writes.ts";
import { axis } from "./plot.ts";
import { figure, publish } from "./report.ts";

const { values } = parseArgs({ options: { apps: { type: "string", default: "1000000" } } });
const ENTRIES = [1_000, 10_000, 100_000, 1_000_000];
const TABLE = ENTRIES.filter((apps) => apps <= Number(values.apps));
const NODES = [1, 10, 100, 1_000];
const WRITES = [1, 10, 100, 1_000];

// DynamoDB Local takes any.
Object.assign(process.env, { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" });
provide(REDIS, console.log);
const java = provide(JAVA, console.log);
const redis = await startRedis({ args: ["--maxclients", "10000"] });
const dynamodb = await startDynamoDbLocal(java.kind === "docker" ? { image: java.image } : {});

async function measureMemory(
  apps: number,
): Promise<{ apps: number; bytesPerEntry: number; hitMicroseconds: number }> {
  const script = fileURLToPath(new URL("growth/cache-memory.ts", import.meta.url));
  const args = ["--expose-gc", "--max-old-space-size=8192", "--import", "tsx", script, String(apps)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as { apps: number; bytesPerEntry: number; hitMicroseconds: number };
}

async function each<T, R>(sizes: readonly T[], measure: (size: T) => Promise<R>): Promise<R[]> {
  const found: R[] = [];
  for (const size of sizes) {
    found.push(await measure(size));
    console.log(JSON.stringify(found.at(-1)));
  }
  return found;
}

const entries = await each(ENTRIES, measureMemory);
const nodes = await each(NODES, (count) => measureNodes(redis.port, count));
const writes = await measureWrites(dynamodb.endpoint, redis.url, WRITES);
writes.forEach((one) => {
  console.log(JSON.stringify(one));
});
const tables = await each(TABLE, (apps) => measureTable(dynamodb.endpoint, redis.port, apps));
await dynamodb.stop();
await redis.stop();

const points = <T>(all: readonly T[], x: (one: T) => number, y: (one: T) => number) =>
  all.map((one) => [x(one), Math.max(y(one), 1e-9)] as const);
const kB = (bytes: number) => `${figure(bytes / 1_000)} kB`;
const us = (value: number) => `${figure(value)} us`;
const slopes = {
  /** Heap of one more cached app. */
  bytesPerEntry: slope(
    points(
      entries,
      (one) => one.apps,
      (one) => one.bytesPerEntry * one.apps,
    ),
  ),
  /** One more node: what its heartbeats cost Redis in a second, and what each message to it costs. */
  idleCpuPerNode: slope(
    points(
      nodes,
      (one) => one.nodes,
      (one) => one.idleCpu,
    ),
  ),
  idleBytesPerNode: slope(
    points(
      nodes,
      (one) => one.nodes,
      (one) => one.idleBytes,
    ),
  ),
  messageCpuPerNode: slope(
    points(
      nodes,
      (one) => one.nodes,
      (one) => one.messageCpu,
    ),
  ),
  messageBytesPerNode: slope(
    points(
      nodes,
      (one) => one.nodes,
      (one) => one.messageBytes,
    ),
  ),
  /** One more write a second: CPU of a node. */
  cpuPerWriteNotHeld: slope(
    points(
      writes,
      (one) => one.writesPerSecond,
      (one) => one.cpuNotHeld,
    ),
  ),
  cpuPerWriteHeld: slope(
    points(
      writes,
      (one) => one.writesPerSecond,
      (one) => one.cpuHeld,
    ),
  ),
  /** One more app in the table: seconds of a sweep. */
  sweepSecondsPerApp: slope(
    points(
      tables,
      (one) => one.apps,
      (one) => one.sweepSeconds,
    ),
  ),
};
const curves = {
  "heap of the cache, by cached apps": points(
    entries,
    (one) => one.apps,
    (one) => one.bytesPerEntry * one.apps,
  ),
  "CPU of Redis for heartbeats, by nodes": points(
    nodes,
    (one) => one.nodes,
    (one) => one.idleCpu,
  ),
  "CPU of Redis for a message, by nodes": points(
    nodes,
    (one) => one.nodes,
    (one) => one.messageCpu,
  ),
  "CPU of a node, by writes/s of apps it holds": points(
    writes,
    (one) => one.writesPerSecond,
    (one) => one.cpuHeld,
  ),
  "time of a sweep, by apps in the table": points(
    tables,
    (one) => one.apps,
    (one) => one.sweepSeconds,
  ),
};
const count = (value: number) => value.toLocaleString("en");
publish({
  name: "growth",
  about:
    "What grows with what. Cached apps: soketi's App objects in the agent's cache. Nodes: the agent's followers, heartbeats " +
    "included, as CPU and network of Redis. Writes: CPU of one real soketi node beyond what it takes idle, for changes of " +
    "apps that it does not hold, and of apps that it holds and reads again. Table: DynamoDB Local, the shared-cache sweep.",
  tables: [
    {
      columns: ["cached apps", "heap for each", "a hit"],
      rows: entries.map((one) => [count(one.apps), kB(one.bytesPerEntry), us(one.hitMicroseconds)]),
    },
    {
      columns: [
        "nodes",
        "Redis, heartbeats: CPU a second",
        "bytes a second",
        "Redis, one message to all: CPU",
        "bytes",
      ],
      rows: nodes.map((one) => [
        count(one.nodes),
        us(one.idleCpu),
        kB(one.idleBytes),
        us(one.messageCpu),
        kB(one.messageBytes),
      ]),
    },
    {
      columns: ["writes a second", "node's CPU a second, apps not held", "apps held and read again"],
      rows: writes.map((one) => [count(one.writesPerSecond), us(one.cpuNotHeld), us(one.cpuHeld)]),
    },
    {
      columns: ["apps in the table", "a consistent read", "a sweep of all"],
      rows: tables.map((one) => [
        count(one.apps),
        `${figure(one.readMs)} ms`,
        `${figure(one.sweepSeconds)} s`,
      ]),
    },
    {
      columns: ["curve", "grows as x to the power of"],
      rows: Object.entries(curves).map(([name, curve]) => [name, exponent(curve).toFixed(2)]),
    },
    {
      columns: ["slope", "each"],
      rows: [
        ["cached app", kB(slopes.bytesPerEntry)],
        ["node: heartbeat, Redis CPU", us(slopes.idleCpuPerNode)],
        ["node: heartbeat, bytes", kB(slopes.idleBytesPerNode)],
        ["message to a node: Redis CPU", us(slopes.messageCpuPerNode)],
        ["message to a node: bytes", kB(slopes.messageBytesPerNode)],
        ["write, app not held: node's CPU", us(slopes.cpuPerWriteNotHeld)],
        ["write, app held: node's CPU", us(slopes.cpuPerWriteHeld)],
        ["app in the table: time of a sweep", us(slopes.sweepSecondsPerApp * 1e6)],
      ],
    },
  ],
  data: { entries, nodes, writes, tables, slopes },
  plot: {
    xAxis: axis({ type: "log", name: "cached apps, nodes, writes a second, apps in the table" }),
    yAxis: axis({ type: "log", name: "times what it is at the smallest", nameGap: 48 }),
    legend: { top: 4, left: 70, itemGap: 6, textStyle: { color: "#7d8590", fontSize: 11 } },
    grid: { left: 70, right: 24, top: 84, bottom: 56 },
    series: Object.entries(curves).map(([name, curve]) => ({
      name,
      type: "line" as const,
      symbolSize: 7,
      data: curve.map(([x, y]) => [x, y / (curve[0]?.[1] ?? 1)]),
    })),
  },
});
process.exit(0);
