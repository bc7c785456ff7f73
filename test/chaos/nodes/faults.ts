import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../../simulation/random.ts";
import type { ChaosFleet } from "./fleet.ts";
import type { RedisForm } from "./redis-forms.ts";
import type { NodesFault } from "./run.ts";

/** Without a lease an entry is served for 5 s; the rest is the read that follows, on a machine that is busy. */
const DEGRADED_MS = 5_000 + 1_000;
/** With it, a message that was lost is noticed within the lease. */
const LEASE_MS = 3_000 + 1_000;
/** Nothing is wrong with the nodes: what the stream, the function and a busy machine take. */
const NO_FAULT_MS = 1_500;

type Happening = (fleet: ChaosFleet, random: Random) => Promise<void>;

function fault(name: string, form: RedisForm, boundMs: number, happen: Happening): NodesFault {
  return { name, form, boundMs, happen };
}

async function again(times: number, everyMs: number, act: () => void | Promise<void>): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    await act();
    await pause(everyMs);
  }
}

const isSubscriber = (sent: string) => /subscribe/i.test(sent);

/** Refuses and cuts a node's way to Redis, or to DynamoDB, for a while. */
async function away(link: ChaosFleet["tableLinks"][number] | undefined, ms: number): Promise<void> {
  link?.refuse(true);
  link?.disconnect();
  await pause(ms);
  link?.refuse(false);
}

async function silent(link: ChaosFleet["tableLinks"][number] | undefined, ms: number): Promise<void> {
  link?.freeze();
  await pause(ms);
  link?.thaw();
}

/** Live messages to a node vanish, each with this probability, for a while. What is read from the log does not. */
async function lossy(
  fleet: ChaosFleet,
  random: Random,
  { share, ms }: { share: number; ms: number },
): Promise<void> {
  for (const link of fleet.redis.nodeLinks)
    link.lose((chunk) => chunk.includes(`:live\r\n`) && !chunk.includes("subscribe") && random.chance(share));
  await pause(ms);
  for (const link of fleet.redis.nodeLinks) link.lose(() => false);
}

/** What the last fault picks from, for one or two nodes at a time. Each ends within six seconds. */
const ANYTHING: readonly ((fleet: ChaosFleet, random: Random, node: number) => Promise<void>)[] = [
  ({ redis }, random, node) => away(redis.nodeLinks[node], random.between(50, 5_000)),
  ({ redis }, random, node) => silent(redis.nodeLinks[node], random.between(500, 6_000)),
  async ({ redis }, random, node) => {
    redis.nodeLinks[node]?.slow(() => random.between(0, 300));
    await pause(3_000);
    redis.nodeLinks[node]?.slow(() => 0);
  },
  ({ redis }) => redis.cutSubscribers(),
  (fleet, random) => lossy(fleet, random, { share: 0.5, ms: 2_000 }),
  ({ nodes }, random, node) => nodes[node]?.pause(random.between(500, 5_000)) ?? Promise.resolve(),
  ({ nodes }, random, node) => nodes[node]?.restart(random.between(0, 2_000)) ?? Promise.resolve(),
  ({ tableLinks }, random, node) => away(tableLinks[node], random.between(50, 1_500)),
  ({ redis }, random) => away(redis.functionLink, random.between(50, 800)),
  async (fleet) => {
    fleet.function.signal("SIGKILL");
    await pause(200);
  },
];

/** Every fault of `npm run chaos`. */
export const NODES_FAULTS: readonly NodesFault[] = [
  fault("none", "standalone", NO_FAULT_MS, () => pause(8_000)),
  fault("subscribers disconnected repeatedly", "standalone", LEASE_MS, ({ redis }, random) =>
    again(20, 300, () => {
      for (const link of redis.nodeLinks) if (random.chance(0.5)) link.disconnect(isSubscriber);
    }),
  ),
  fault("half of the live messages lost", "standalone", LEASE_MS, (fleet, random) =>
    lossy(fleet, random, { share: 0.5, ms: 8_000 }),
  ),
  fault("Redis 0 to 400 ms away", "standalone", LEASE_MS, async ({ redis }, random) => {
    for (const link of redis.nodeLinks) link.slow(() => random.between(0, 200));
    await pause(8_000);
    for (const link of redis.nodeLinks) link.slow(() => 0);
  }),
  fault("two nodes: Redis silent for 8 s", "standalone", DEGRADED_MS, async ({ redis }) => {
    await Promise.all(redis.nodeLinks.slice(0, 2).map((link) => silent(link, 8_000)));
  }),
  fault("two nodes: Redis unreachable for 8 s", "standalone", DEGRADED_MS, async ({ redis }) => {
    await Promise.all(redis.nodeLinks.slice(0, 2).map((link) => away(link, 8_000)));
  }),
  fault("Redis killed, empty 3 s later", "standalone", DEGRADED_MS, ({ redis }) => redis.restartEmpty(3_000)),
  fault("Redis frozen for 8 s", "standalone", DEGRADED_MS, ({ redis }) => redis.freeze(8_000)),
  fault("two nodes killed, started again", "standalone", NO_FAULT_MS, async ({ nodes }) => {
    for (const node of nodes.slice(0, 2)) await node.restart(500);
  }),
  fault("two nodes paused for 5 s", "standalone", LEASE_MS, async ({ nodes }) => {
    await Promise.all(nodes.slice(0, 2).map((node) => node.pause(5_000)));
  }),
  fault("function killed repeatedly for 4 s", "standalone", 4_000 + NO_FAULT_MS, (fleet) =>
    again(10, 400, () => fleet.function.signal("SIGKILL")),
  ),
  fault("function without Redis for 2 s", "standalone", 2_000 + NO_FAULT_MS, ({ redis }) =>
    away(redis.functionLink, 2_000),
  ),
  fault("DynamoDB 0 to 400 ms away", "standalone", NO_FAULT_MS, async ({ tableLinks }, random) => {
    for (const link of tableLinks) link.slow(() => random.between(0, 200));
    await pause(8_000);
    for (const link of tableLinks) link.slow(() => 0);
  }),
  fault("DynamoDB away for 2 s", "standalone", NO_FAULT_MS, async ({ tableLinks }) => {
    await Promise.all(tableLinks.map((link) => away(link, 2_000)));
  }),
  fault("subscribers disconnected repeatedly", "Sentinel", LEASE_MS, ({ redis }) =>
    again(10, 500, () => redis.cutSubscribers()),
  ),
  fault("primary killed", "Sentinel", DEGRADED_MS, ({ redis, log }) => redis.failover(log, "SIGKILL")),
  fault("primary frozen", "Sentinel", DEGRADED_MS, ({ redis, log }) => redis.failover(log, "SIGSTOP")),
  fault("two primaries for 8 s", "Sentinel", DEGRADED_MS, ({ redis }) => redis.twoMasters(8_000)),
  fault("subscribers disconnected repeatedly", "Cluster", LEASE_MS, ({ redis }) =>
    again(10, 500, () => redis.cutSubscribers()),
  ),
  fault("the log's primary killed", "Cluster", DEGRADED_MS, ({ redis, log }) =>
    redis.failover(log, "SIGKILL"),
  ),
  fault("the log's primary frozen", "Cluster", DEGRADED_MS, ({ redis, log }) =>
    redis.failover(log, "SIGSTOP"),
  ),
  fault(
    "random faults for a minute, one or two at a time",
    "standalone",
    DEGRADED_MS,
    async (fleet, random) => {
      const until = performance.now() + 60_000;
      while (performance.now() < until) {
        const nodes = [random.integer(0, 3), random.integer(0, 3)].slice(0, random.integer(1, 2));
        await Promise.all([...new Set(nodes)].map((node) => random.pick(ANYTHING)(fleet, random, node)));
      }
    },
  ),
];
