import { parseArgs } from "node:util";
import { writeInto } from "../../bench/document.ts";
import { machineLine } from "../../bench/machine.ts";
import { startRedis } from "../../local/redis-server.ts";
import { startProvidedDynamoDb } from "../support/provided-dynamodb.ts";
import { QUEUES } from "./webhooks/queues.ts";
import { brokenWebhooks, runWebhooks, type WebhooksOutcome } from "./webhooks/run.ts";

/**
 * `npm run chaos:webhooks`: a real node for each of soketi's queues, its apps' secrets and keys changed while their clients
 * talk; a real receiver counts what comes. Writes the table of docs/reference/test-results.md when all queues were run. Exit code
 * 1 when a webhook was lost, came twice, or is badly signed. The sqs queue is an emulator, fauxqs.
 *
 * --seed N       what random things follow from; default 1
 * --queue NAME   only sync, redis or sqs
 * --events N     client events for each queue; default 10,000, with 100 rotations and 20 new keys
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    queue: { type: "string" },
    events: { type: "string", default: "10000" },
  },
});

const outcomes: WebhooksOutcome[] = [];
const dynamodb = await startProvidedDynamoDb();
const redis = await startRedis();
try {
  for (const queue of QUEUES.filter((name) => (values.queue ?? name) === name)) {
    const events = Number(values.events);
    const outcome = await runWebhooks({
      queue,
      dynamodbEndpoint: dynamodb.endpoint,
      redisUrl: redis.url,
      seed: Number(values.seed),
      events,
      rotations: Math.ceil(events / 100),
      rekeys: Math.ceil(events / 500),
    });
    console.log(JSON.stringify(outcome));
    outcomes.push(outcome);
  }
} finally {
  await redis.stop();
  await dynamodb.stop();
}

const table = tableOf(outcomes);
console.log(table);
if (values.queue === undefined) writeInto("docs/reference/test-results.md", "chaos:webhooks", table);
const failed = outcomes.flatMap((outcome) =>
  brokenWebhooks(outcome).map((what) => `${outcome.queue}: ${what}`),
);
console.log(failed.length === 0 ? "no webhook lost" : `FAILED\n${failed.join("\n")}`);
process.exit(failed.length === 0 && outcomes.length > 0 ? 0 : 1);

function tableOf(all: readonly WebhooksOutcome[]): string {
  const rows = all.map((one) =>
    [
      one.queue,
      one.events,
      one.rotations,
      one.rekeys,
      one.lost,
      one.twice,
      one.badlySigned,
      `${one.closingsLost} of ${one.closedChannels}`,
      one.retried,
      one.dropped,
      one.seconds,
    ].join(" | "),
  );
  return [
    `${machineLine()}; seed ${values.seed}.`,
    "",
    "| queue | client events | rotations | new keys | lost | twice | badly signed | closings lost | retried | dropped | seconds |",
    `|${"---|".repeat(11)}`,
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}
