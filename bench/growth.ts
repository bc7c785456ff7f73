/**
 * `npm run bench:growth [-- --apps N --again]`: what grows with apps, with cached apps, with nodes and with writes, and how fast.
 *
 * --apps N   the largest table; default 1,000,000, which DynamoDB Local takes long to fill
 * --again    measures nothing, and writes tables and plot from the last run
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { startRedis } from "../local/redis-server.ts";
import { startProvidedDynamoDb } from "../test/support/provided-dynamodb.ts";
import { measureNodes } from "./growth/nodes.ts";
import { exponent, positive, slope } from "./growth/slope.ts";
import { measureTable } from "./growth/table.ts";
import { measureWrites } from "./growth/writes.ts";
import { writeInto } from "./document.ts";
import { projectionTable, type Slopes } from "./growth/projection.ts";
import { axis } from "./plot.ts";
import { figure, publish } from "./report.ts";

const { values } = parseArgs({
  options: { apps: { type: "string", default: "1000000" }, again: { type: "boolean", default: false } },
});
const ENTRIES = [1_000, 10_000, 100_000, 1_000_000];
const TABLE = ENTRIES.filter((apps) => apps <= Number(values.apps));
const NODES = [1, 10, 100, 1_000];
const WRITES = [1, 10, 100, 1_000];

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

async function measure() {
  const dynamodb = await startProvidedDynamoDb();
  const redis = await startRedis({ args: ["--maxclients", "10000"] });
  const entries = await each(ENTRIES, measureMemory);
  const nodes = await each(NODES, (nodeCount) => measureNodes(redis.port, nodeCount));
  const writes = await measureWrites(dynamodb.endpoint, redis.url, WRITES);
  const tables = await each(TABLE, (apps) => measureTable(dynamodb.endpoint, redis.port, apps));
  await dynamodb.stop();
  await redis.stop();
  return { entries, nodes, writes, tables };
}

/** The figures of the last run, as they were written. */
function lastRun(): Awaited<ReturnType<typeof measure>> {
  const { data } = JSON.parse(readFileSync(new URL("results/growth.json", import.meta.url), "utf8")) as {
    data: Awaited<ReturnType<typeof measure>>;
  };
  return data;
}

const { entries, nodes, writes, tables } = values.again ? lastRun() : await measure();

type Curve = readonly (readonly [x: number, y: number])[];
const curve = <T>(all: readonly T[], x: (one: T) => number, y: (one: T) => number): Curve =>
  all.map((one) => [x(one), y(one)]);
const ofEntries = (y: (one: (typeof entries)[number]) => number) => curve(entries, ({ apps }) => apps, y);
const ofNodes = (y: (one: (typeof nodes)[number]) => number) => curve(nodes, ({ nodes: count }) => count, y);
const ofWrites = (y: (one: (typeof writes)[number]) => number) =>
  curve(writes, ({ writesPerSecond }) => writesPerSecond, y);
const ofTables = (y: (one: (typeof tables)[number]) => number) => curve(tables, ({ apps }) => apps, y);

const curves = {
  "heap of the cache, by cached apps": ofEntries((one) => one.apps * one.bytesPerEntry),
  "CPU of Redis for heartbeats, by nodes": ofNodes((one) => one.idleCpu),
  "CPU of Redis for a message, by nodes": ofNodes(({ one }) => one.cpu),
  "CPU of a node, by writes/s of apps it holds": ofWrites((one) => one.cpuHeld),
  "time of a sweep, by apps in the table": ofTables((one) => one.sweepSeconds),
};
const slopes: Slopes = {
  bytesPerEntry: slope(ofEntries((one) => one.apps * one.bytesPerEntry)),
  heartbeatCpu: slope(ofNodes((one) => one.idleCpu)),
  heartbeatBytes: slope(ofNodes((one) => one.idleBytes)),
  messageCpu: slope(ofNodes(({ one }) => one.cpu)),
  messageBytes: slope(ofNodes(({ one }) => one.bytes)),
  fullMessageCpu: slope(ofNodes(({ full }) => full.cpu)),
  fullMessageBytes: slope(ofNodes(({ full }) => full.bytes)),
  writeCpu: slope(ofWrites((one) => one.cpuNotHeld)),
  heldWriteCpu: slope(ofWrites((one) => one.cpuHeld)),
  sweepSeconds: slope(ofTables((one) => one.sweepSeconds)),
};

const kB = (bytes: number) => `${figure(bytes / 1_000)} kB`;
const us = (value: number) => `${figure(value)} us`;
const count = (value: number) => value.toLocaleString("en");
publish({
  name: "growth",
  about:
    "Nodes: CPU and network of Redis for the agents' followers. Writes: CPU of one soketi node beyond what it takes idle. Table: DynamoDB Local, " +
    "and the sweep of the shared cache.",
  tables: [
    {
      columns: ["cached apps", "heap for each", "a hit"],
      rows: entries.map((one) => [count(one.apps), kB(one.bytesPerEntry), us(one.hitMicroseconds)]),
    },
    {
      columns: [
        "nodes",
        "Redis, heartbeats: CPU a second",
        "a bare SET from as many",
        "bytes a second",
        "a message to all: CPU",
        "bytes",
        "of 100 changes: CPU",
        "bytes",
      ],
      rows: nodes.map((one) => [
        count(one.nodes),
        us(one.idleCpu),
        us(one.bareCpu),
        kB(one.idleBytes),
        us(one.one.cpu),
        kB(one.one.bytes),
        us(one.full.cpu),
        kB(one.full.bytes),
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
      rows: Object.entries(curves).map(([name, points]) => [name, exponent(points).toFixed(2)]),
    },
    {
      columns: ["one more", "costs"],
      rows: [
        ["cached app: heap of a node", kB(slopes.bytesPerEntry)],
        ["node, its heartbeat: CPU of Redis", us(slopes.heartbeatCpu)],
        ["node, its heartbeat: network", kB(slopes.heartbeatBytes)],
        ["node that a message goes to: CPU of Redis", us(slopes.messageCpu)],
        ["node that a message goes to: network", kB(slopes.messageBytes)],
        ["node that a message of 100 changes goes to: CPU of Redis", us(slopes.fullMessageCpu)],
        ["node that a message of 100 changes goes to: network", kB(slopes.fullMessageBytes)],
        ["write of an app that is not held: CPU of a node", us(slopes.writeCpu)],
        ["write of an app that is held: CPU of a node", us(slopes.heldWriteCpu)],
        ["app in the table: time of a sweep", us(slopes.sweepSeconds * 1e6)],
      ],
    },
  ],
  data: { entries, nodes, writes, tables, slopes },
  plot: {
    xAxis: axis({ type: "log", name: "cached apps, nodes, writes a second, apps in the table" }),
    yAxis: axis({ type: "log", name: "times what it is at the smallest", nameGap: 48 }),
    legend: { top: 4, left: 70, width: 640, itemGap: 10, textStyle: { color: "#7d8590", fontSize: 11 } },
    grid: { left: 70, right: 24, top: 84, bottom: 56 },
    series: Object.entries(curves).map(([name, points]) => ({
      name,
      type: "line" as const,
      symbolSize: 7,
      data: positive(points).map(([x, y], _i, [first]) => [x, y / (first?.[1] ?? 1)]),
    })),
  },
});
writeInto("docs/scale.md", "bench:growth", projectionTable(slopes));
process.exit(0);
