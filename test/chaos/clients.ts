import { parseArgs } from "node:util";
import { writeInto } from "../../bench/document.ts";
import { machineLine } from "../../bench/machine.ts";
import { startRedis } from "../../local/redis-server.ts";
import { startProvidedDynamoDb } from "../support/provided-dynamodb.ts";
import { NODE_KINDS } from "./clients/nodes.ts";
import { brokenClients, type ClientsOutcome, runClients } from "./clients/run.ts";

/**
 * `npm run chaos:clients`: hostile clients at real nodes, one for each of soketi's queues, adapters and rate limiters; calm
 * clients beside them count what arrives. Writes the table of docs/reference/test-results.md when all nodes were run. Exit code 1 when a
 * promise was broken, or when a node without the agent lives on. The sqs queue is an emulator, fauxqs.
 *
 * --seed N      what random things follow from; default 1
 * --queue NAME  only the node with this queue: sync, redis or sqs
 * --inputs N    for all nodes together; default 100,000
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    queue: { type: "string" },
    inputs: { type: "string", default: "100000" },
  },
});

const kinds = NODE_KINDS.filter(({ queue }) => (values.queue ?? queue) === queue);
const guarded: ClientsOutcome[] = [];
const alone: ClientsOutcome[] = [];
const dynamodb = await startProvidedDynamoDb();
const redis = await startRedis();
try {
  for (const withAgent of [false, true]) {
    for (const kind of kinds) {
      const outcome = await runClients({
        kind,
        withAgent,
        dynamodbEndpoint: dynamodb.endpoint,
        redisUrl: redis.url,
        seed: Number(values.seed),
        inputs: Math.ceil(Number(values.inputs) / NODE_KINDS.length),
      });
      console.log(JSON.stringify(outcome));
      (withAgent ? guarded : alone).push(outcome);
    }
  }
} finally {
  await redis.stop();
  await dynamodb.stop();
}

const table = tableOf();
console.log(table);
if (values.queue === undefined) writeInto("docs/reference/test-results.md", "chaos:clients", table);
const failed = [
  ...guarded.flatMap((outcome) => brokenClients(outcome).map((what) => `${outcome.node}: ${what}`)),
  ...alone
    .filter(({ ended }) => ended === undefined)
    .map(({ node }) => `${node}: lives on without the agent`),
];
console.log(failed.length === 0 ? "no promise broken" : `FAILED\n${failed.join("\n")}`);
process.exit(failed.length === 0 && guarded.length > 0 ? 0 : 1);

function tableOf(): string {
  const rows = guarded.map((one) => {
    const control = alone.find(({ node }) => node === one.node);
    return [
      one.node,
      one.inputs,
      one.changes,
      one.outages,
      one.ended === undefined ? 0 : 1,
      one.unanswered,
      `${one.calm.lost} of ${one.calm.sent}`,
      one.calm.disturbed.length,
      one.caught,
      `${one.warmMb}, ${one.endMb}`,
      one.seconds,
      control?.ended === undefined ? "none" : `after ${control.inputs} inputs`,
    ].join(" | ");
  });
  return [
    `${machineLine()}; seed ${values.seed}.`,
    "",
    "| queue, adapter, rate limiter | inputs | app changes | outages | exits | unanswered | messages lost | clients disturbed | caught | MB: warm, end | seconds | exit without the agent |",
    `|${"---|".repeat(12)}`,
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}
