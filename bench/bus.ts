/**
 * `npm run bench:bus`: from the invalidation to the last subscriber that has read it, and what is missed when all
 * subscribers' connections are cut. Ours (log, replay and heartbeats included), a bare PUBLISH, and BentoCache's bus; real
 * Redis; in turns.
 */
import { Redis } from "ioredis";
import { startRedis } from "../local/redis-server.ts";
import { provide } from "../local/provide.ts";
import { REDIS } from "../local/requirements.mjs";
import { within } from "../src/async/within.ts";
import { createCrowd, type Crowd } from "./bus/crowd.ts";
import { ALWAYS_TOLD } from "./bus/subscribers.ts";
import { WAY_NAMES, type WayName, WAYS } from "./bus/ways.ts";
import { axis } from "./plot.ts";
import { figure, publish, ratio } from "./report.ts";
import { median, quantile } from "./statistics.ts";

const SIZES = [1, 10, 100, 1_000];
const ROUNDS = 15;
const MESSAGES: Record<number, number> = { 1: 400, 10: 400, 100: 100, 1_000: 40 };
/** Longer than V8 takes to compile what is measured. */
const WARM_UP_ROUNDS = 6;
/** Messages after each turn to another way that do not count: its code has left the processor's caches. */
const SWITCHING = 10;
const CUT_SUBSCRIBERS = 20;
const CUTS = 20;

type Publisher = Awaited<ReturnType<(typeof WAYS)[WayName]["publisher"]>>;
type Rounds = Record<WayName, number[][]>;

let number = 0;

/** Microseconds from the call to the last subscriber. */
async function once(crowd: Crowd, way: WayName, publisher: Publisher): Promise<number> {
  number += 1;
  const heard = crowd.lastHeard(way, number);
  const at = process.hrtime.bigint();
  await publisher.publish(number);
  return Number((await within(20_000, `${way} to reach all`, heard)) - at) / 1_000;
}

async function publishers(port: number): Promise<Map<WayName, Publisher>> {
  const made = new Map<WayName, Publisher>();
  for (const way of WAY_NAMES) made.set(way, await WAYS[way].publisher(port));
  return made;
}

/** BentoCache does not tell when it has subscribed: what is published is heard by all at some time. */
async function untilAllHear(crowd: Crowd, way: WayName, publisher: Publisher): Promise<void> {
  for (;;) {
    number += 1;
    const heard = crowd.lastHeard(way, number);
    await publisher.publish(number);
    const all = await Promise.race([
      heard.then(() => true),
      new Promise((resolve) => setTimeout(resolve, 500, false)),
    ]);
    if (all === true) return;
  }
}

async function measure(port: number, size: number): Promise<Rounds> {
  const crowd = createCrowd(port, 2);
  const made = await publishers(port);
  const rounds = Object.fromEntries(WAY_NAMES.map((way) => [way, []])) as unknown as Rounds;
  for (const way of WAY_NAMES) {
    await crowd.start(way, size);
    await untilAllHear(crowd, way, made.get(way) as Publisher);
  }
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    for (const way of WAY_NAMES) {
      crowd.activate(way);
      const times: number[] = [];
      for (let i = -SWITCHING; i < (MESSAGES[size] ?? 20); i += 1) {
        const time = await once(crowd, way, made.get(way) as Publisher);
        if (i >= 0) times.push(time);
      }
      if (round >= 0) rounds[way].push(times);
    }
  }
  crowd.stop();
  return rounds;
}

/** Cuts all subscribers and publishes at once; then, when all are back, one message more. @returns how many missed the first. */
async function missedInCuts(port: number, way: WayName): Promise<number> {
  const crowd = createCrowd(port, 1);
  const admin = new Redis({ port });
  const publisher = await WAYS[way].publisher(port);
  await crowd.start(way, CUT_SUBSCRIBERS);
  await untilAllHear(crowd, way, publisher);
  crowd.activate(way);
  let missed = 0;
  for (let cut = 0; cut < CUTS; cut += 1) {
    const lost = ALWAYS_TOLD + number + 1;
    number += 1;
    await admin.client("KILL", "TYPE", "PUBSUB");
    await publisher.publish(lost);
    await untilAllHear(crowd, way, publisher);
    missed += CUT_SUBSCRIBERS - crowd.heardBy(way, lost);
  }
  crowd.stop();
  admin.disconnect();
  return missed;
}

provide(REDIS, console.log);
const redis = await startRedis();
const results: { size: number; rounds: Rounds }[] = [];
for (const size of SIZES) {
  results.push({ size, rounds: await measure(redis.port, size) });
  console.log(`${size} subscribers: done`);
}
const missed = new Map<WayName, number>();
for (const way of WAY_NAMES) missed.set(way, await missedInCuts(redis.port, way));
await redis.stop();

const ofRounds = (rounds: Rounds, way: WayName, share: number) =>
  rounds[way].map((times) => quantile(times, share));
/** The median of the rounds' own: on a shared machine a bad moment must not be one way's bad luck. */
const at = (rounds: Rounds, way: WayName, share: number) => median(ofRounds(rounds, way, share));
const timesBare = (rounds: Rounds, share: number) =>
  ratio(ofRounds(rounds, "soketi-app-sync", share), ofRounds(rounds, "bare PUBLISH", share)).toFixed(2);
const colored = WAY_NAMES.flatMap((way) =>
  (["p50", "p99"] as const).map((what) => ({
    name: `${way}, ${what}`,
    type: "line" as const,
    symbolSize: 7,
    lineStyle: { type: what === "p50" ? ("solid" as const) : ("dashed" as const) },
    color: { "soketi-app-sync": "#2f81f7", "bare PUBLISH": "#8b949e", BentoCache: "#db6d28" }[way],
    data: results.map(({ size, rounds }) => [size, at(rounds, way, what === "p50" ? 0.5 : 0.99) / 1_000]),
  })),
);
publish({
  name: "bus",
  about:
    `Microseconds from publishing an invalidation to the last subscriber: medians of ${ROUNDS} rounds of ${Object.values(MESSAGES).join(", ")} ` +
    "messages. Ours are the agent's followers, with log and heartbeats; the bare PUBLISH carries an id.",
  tables: [
    {
      columns: [
        "subscribers",
        ...WAY_NAMES.flatMap((way) => [`${way}, p50`, "p99"]),
        "p50, times the bare",
        "p99, times the bare",
      ],
      rows: results.map(({ size, rounds }) => [
        size.toLocaleString("en"),
        ...WAY_NAMES.flatMap((way) => [figure(at(rounds, way, 0.5)), figure(at(rounds, way, 0.99))]),
        timesBare(rounds, 0.5),
        timesBare(rounds, 0.99),
      ]),
    },
    {
      columns: [`${CUT_SUBSCRIBERS} subscribers, cut ${CUTS} times just before a message`, "messages missed"],
      rows: WAY_NAMES.map((way) => [way, `${missed.get(way) ?? 0} of ${CUT_SUBSCRIBERS * CUTS}`]),
    },
  ],
  data: { results, missed: Object.fromEntries(missed) },
  plot: {
    legend: { top: 4, left: 70, width: 640, itemGap: 18, textStyle: { color: "#7d8590", fontSize: 11 } },
    grid: { left: 70, right: 24, top: 64, bottom: 56 },
    xAxis: axis({ type: "log", name: "subscribers" }),
    yAxis: axis({ type: "log", name: "ms to the last subscriber", nameGap: 48 }),
    series: colored,
  },
});
process.exit(0);
