/**
 * `npm run bench:costs`: what the function costs a month, and what the relay costs instead, at three sizes, from AWS's public prices.
 * Writes the table in docs/choose.md. Both need a table and a Redis, which cost the same either way and are not in it.
 */
import { fileURLToPath } from "node:url";
import { writeInto } from "./document.ts";

/** US dollars in us-east-1, as they stood in 2025, without free tiers but the one of stream reads, which has no end. */
export const PRICES = {
  /** Lambda on arm64: a million requests, and a second with 1 GB. */
  lambdaMillion: 0.2,
  lambdaGbSecond: 0.0000133334,
  /** CloudWatch: a GB of logs taken in, a metric of one's own, a metric that an alarm watches. */
  logsGb: 0.5,
  metric: 0.3,
  alarmMetric: 0.1,
  /** SQS: a million requests. */
  sqsMillion: 0.4,
  /** DynamoDB Streams: 100,000 reads by anything but Lambda, and how many of them a month are free. */
  reads100k: 0.02,
  readsFree: 2_500_000,
  /** EC2: an hour of a t4g.nano, which has more than the relay needs. */
  machineHour: 0.0042,
} as const;

const HOURS = 730;
const SECONDS = HOURS * 3_600;
/** From docs/reference/deployment.md: memory and time of an invocation, its logs, what is watched, and five pollers that look three times a minute. */
const INVOCATION = { gb: 0.25, seconds: 0.02, logKb: 2 };
const WATCHED = { metrics: 4, alarmMetrics: 16 };
const QUEUE_REQUESTS = 5 * 3 * 60 * HOURS;
/** Of a new on-demand table (docs/relay.md). */
const SHARDS = 4;

export interface Size {
  readonly name: string;
  /** Of the function a month: one for each write, as long as writes are rarer than polls. */
  readonly invocations: number;
}

export const SIZES: readonly Size[] = [
  { name: "100 apps, 100 writes a day", invocations: (100 * HOURS) / 24 },
  { name: "10,000 apps, 1 write a second", invocations: SECONDS },
  // Four shards that are polled four times a second each have something new each time.
  { name: "1,000,000 apps, 50 writes a second", invocations: SHARDS * 4 * SECONDS },
];

/** The function, its logs, metrics, alarms and queue. */
export function costOfLambda({ invocations }: Size): number {
  const { gb, seconds, logKb } = INVOCATION;
  const each =
    PRICES.lambdaMillion / 1e6 + gb * seconds * PRICES.lambdaGbSecond + (logKb / 1e6) * PRICES.logsGb;
  const watched = WATCHED.metrics * PRICES.metric + WATCHED.alarmMetrics * PRICES.alarmMetric;
  return invocations * each + watched + (QUEUE_REQUESTS / 1e6) * PRICES.sqsMillion;
}

/** The relay's reads, whatever is written, and its machine, where it has one of its own. */
export function costOfRelay({ pollMs, ownMachine }: { pollMs: number; ownMachine: boolean }): number {
  const reads = (SHARDS * SECONDS * 1_000) / pollMs;
  const charged = Math.max(0, reads - PRICES.readsFree);
  return (charged / 100_000) * PRICES.reads100k + (ownMachine ? PRICES.machineHour * HOURS : 0);
}

export function costTable(): string {
  const dollars = (amount: number) => amount.toFixed(2);
  const row = (name: string, cost: (size: Size) => number) => [
    name,
    ...SIZES.map((size) => dollars(cost(size))),
  ];
  const rows = [
    row("function", costOfLambda),
    row("relay, polling each 250 ms, on a machine of its own", () =>
      costOfRelay({ pollMs: 250, ownMachine: true }),
    ),
    row("relay, polling each 250 ms, beside Redis", () => costOfRelay({ pollMs: 250, ownMachine: false })),
    row("relay, polling each second, beside Redis", () => costOfRelay({ pollMs: 1_000, ownMachine: false })),
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const head = ["US dollars a month", ...SIZES.map(({ name }) => name)];
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const table = costTable();
  console.log(table);
  writeInto("docs/choose.md", "bench:costs", table);
}
