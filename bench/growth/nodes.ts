import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { createCrowd } from "../bus/crowd.ts";
import { openRedis } from "../../src/redis/connection.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { encodeChanges, MAX_CHANGES } from "../../src/protocol/encode.ts";
import { change, connectionTo, NAMES } from "../bus/ways.ts";

const SECONDS = 5;
const MESSAGES_PER_SECOND = 10;
const OURS = "soketi-app-sync";

/** What a number of followers costs Redis: with heartbeats alone, and what each message adds. */
export interface NodesFigures {
  readonly nodes: number;
  /** CPU of Redis, microseconds a second. */
  readonly idleCpu: number;
  /** The same for what a node could not do without: a SET with an expiry, from as many connections. */
  readonly bareCpu: number;
  /** Bytes a second, in and out. */
  readonly idleBytes: number;
  /** Of each message, to all nodes together: with one change, and with as many as a message holds. */
  readonly one: MessageFigures;
  readonly full: MessageFigures;
}

export interface MessageFigures {
  readonly cpu: number;
  readonly bytes: number;
}

/** What a registry entry of an agent weighs. */
const ENTRY = "x".repeat(300);

/** @returns CPU of Redis, microseconds a second, for a SET a second from each of so many connections. */
async function measureBare(port: number, nodes: number): Promise<number> {
  const admin = new Redis({ port });
  const connections = Array.from({ length: nodes }, () => new Redis({ port }));
  await Promise.all(connections.map((one) => one.ping()));
  let begun = 0;
  let failures = 0;
  // In turn, evenly over the second.
  const timer = setInterval(() => {
    const due = Math.ceil(((performance.now() - start) / 1_000) * nodes);
    for (; begun < due; begun += 1) {
      const i = begun % nodes;
      connections[i]?.set(`bare-${i}`, ENTRY, "PX", 86_400_000).catch(() => (failures += 1));
    }
  }, 1);
  const start = performance.now();
  await pause(1_000);
  const { cpu } = await during(admin, () => pause(SECONDS * 1_000));
  clearInterval(timer);
  for (const one of [admin, ...connections]) one.disconnect();
  if (failures > 0) throw new Error(`expected Redis to take each SET, found ${failures} refused`);
  return cpu;
}

export async function measureNodes(port: number, nodes: number): Promise<NodesFigures> {
  const bareCpu = await measureBare(port, nodes);
  const crowd = createCrowd(port, 2);
  const admin = new Redis({ port });
  const connection = openRedis(connectionTo(port));
  const log = createRedisLog(connection, NAMES, { logLength: 10_000, logBytes: 2 ** 25 });
  await crowd.start(OURS, nodes);
  crowd.activate(OURS);
  await pause(2_500);
  const idle = await during(admin, () => pause(SECONDS * 1_000));
  let published = 0;
  const publishing = async (changes: number): Promise<MessageFigures> => {
    const busy = await during(admin, async () => {
      for (let i = 0; i < SECONDS * MESSAGES_PER_SECOND; i += 1) {
        const numbers = Array.from({ length: changes }, () => (published += 1));
        const heard = crowd.lastHeard(OURS, published);
        const due = pause(1_000 / MESSAGES_PER_SECOND);
        await log.append(
          encodeChanges(numbers.map(change), { table: "apps", region: "eu-west-1", at: Date.now() }),
        );
        await Promise.all([heard, due]);
      }
    });
    const each = (figure: "cpu" | "bytes") =>
      ((busy[figure] - idle[figure]) * busy.seconds) / (SECONDS * MESSAGES_PER_SECOND);
    return { cpu: each("cpu"), bytes: each("bytes") };
  };
  const one = await publishing(1);
  const full = await publishing(MAX_CHANGES);
  crowd.stop();
  admin.disconnect();
  connection.disconnect();
  return { nodes, idleCpu: idle.cpu, bareCpu, idleBytes: idle.bytes, one, full };
}

async function during(admin: Redis, work: () => Promise<unknown>) {
  const before = await counters(admin);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1_000;
  const after = await counters(admin);
  return {
    seconds,
    cpu: (after.cpu - before.cpu) / seconds,
    bytes: (after.bytes - before.bytes) / seconds,
  };
}

async function counters(admin: Redis): Promise<{ cpu: number; bytes: number }> {
  const info = `${await admin.info("cpu")}${await admin.info("stats")}`;
  const read = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1]);
  return {
    cpu: (read("used_cpu_sys") + read("used_cpu_user")) * 1e6,
    bytes: read("total_net_input_bytes") + read("total_net_output_bytes"),
  };
}
