import { writeInto } from "../../bench/document.ts";
import { machineLine } from "../../bench/machine.ts";
import { startProvidedDynamoDb } from "../support/provided-dynamodb.ts";
import { type LargeAppOutcome, runLargeApp } from "./connections/large-app.ts";
import { runWithoutRedis, type WithoutRedisOutcome } from "./connections/without-redis.ts";

/**
 * `npm run chaos:connections`: how long open connections of apps that are gone stay open, without Redis, and while their
 * clients are busy. Writes its tables into docs/reference/test-results.md. Exit code 1 when a promise was broken.
 */
const APPS = [10, 100, 1_000];
const LARGE = 50_000;
/** Beyond the bound that the node states: the read, the write that is measured from its begin, the way to the client. */
const SLACK_MS = 1_500;

const withoutRedis: WithoutRedisOutcome[] = [];
const dynamodb = await startProvidedDynamoDb();
try {
  for (const apps of APPS) {
    const outcome = await runWithoutRedis({ dynamodbEndpoint: dynamodb.endpoint, apps, seed: 1 });
    console.log(JSON.stringify(outcome));
    withoutRedis.push(outcome);
  }
} finally {
  await dynamodb.stop();
}
const largeApps: LargeAppOutcome[] = [];
for (const subscriptionsPerSecond of [0, 200, 2_000]) {
  const outcome = await runLargeApp({ connections: LARGE, subscriptionsPerSecond, closesPerSecond: 5_000 });
  console.log(JSON.stringify(outcome));
  largeApps.push(outcome);
}

const seconds = (time: number) => (time / 1_000).toFixed(1);
const ms = (time: number) => `${time.toFixed(1)} ms`;
writeInto(
  "docs/reference/test-results.md",
  "chaos:connections",
  [
    `${machineLine()}. Seconds, but for the event loop.`,
    "",
    "| apps in use, without Redis | disabled | open: median | longest | stated bound | reads a second | still open | wrongly closed |",
    `|${"---|".repeat(8)}`,
    ...withoutRedis.map((one) =>
      row(
        one.apps,
        one.disabled,
        seconds(one.medianOpenMs),
        seconds(one.longestOpenMs),
        seconds(one.statedBoundMs),
        one.readsPerSecond,
        one.stillOpen,
        one.wronglyClosed,
      ),
    ),
    "",
    "| subscriptions a second | all closed after | event loop blocked: longest | without garbage collection | over 10 ms | before, by the subscriptions alone: longest | without garbage collection | still open |",
    `|${"---|".repeat(8)}`,
    ...largeApps.map((one) =>
      row(
        one.subscriptionsPerSecond,
        seconds(one.closedAfterMs),
        ms(one.meanwhile.longest),
        ms(one.meanwhile.longestOwn),
        `${one.meanwhile.over10Ms} times`,
        ms(one.before.longest),
        ms(one.before.longestOwn),
        one.stillOpen,
      ),
    ),
  ].join("\n"),
);

const failed = [
  ...withoutRedis.flatMap((one) => {
    const isLate = one.longestOpenMs > one.statedBoundMs + SLACK_MS;
    return isLate || one.stillOpen + one.wronglyClosed > 0 ? [JSON.stringify(one)] : [];
  }),
  ...largeApps.flatMap((one) => (one.stillOpen + one.meanwhile.over10Ms > 0 ? [JSON.stringify(one)] : [])),
];
console.log(failed.length === 0 ? "no promise broken" : `FAILED\n${failed.join("\n")}`);
process.exit(failed.length === 0 ? 0 : 1);

function row(...cells: (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}
