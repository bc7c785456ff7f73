import { parseArgs } from "node:util";
import { writeInto } from "../../bench/document.ts";
import { machineLine } from "../../bench/machine.ts";
import { startRedis } from "../../local/redis-server.ts";
import { startProvidedDynamoDb } from "../support/provided-dynamodb.ts";
import { brokenRotation, type RotationOutcome, runRotations } from "./rotation/run.ts";

/**
 * `npm run chaos:rotation`: four real nodes, eight publishers and their clients, and an app whose secret is rotated by the
 * command line, once with an overlap and once without. Writes the table of docs/reference/test-results.md. Exit code 1 when something
 * was refused or lost with the overlap, or nothing was refused without it.
 *
 * --rotations N   default 20
 */
const { values } = parseArgs({ options: { rotations: { type: "string", default: "20" } } });
const rotations = Number(values.rotations);

const outcomes: RotationOutcome[] = [];
const dynamodb = await startProvidedDynamoDb();
const redis = await startRedis();
try {
  for (const overlap of [true, false]) {
    const outcome = await runRotations({
      dynamodbEndpoint: dynamodb.endpoint,
      redisUrl: redis.url,
      rotations,
      overlap,
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
writeInto("docs/reference/test-results.md", "chaos:rotation", table);
const failed = outcomes.flatMap((outcome) => {
  if (outcome.overlap) return brokenRotation(outcome);
  return outcome.refusedRequests > 0 ? [] : ["without an overlap nothing was refused: the run shows nothing"];
});
console.log(failed.length === 0 ? "nothing refused, nothing lost" : `FAILED\n${failed.join("\n")}`);
process.exit(failed.length === 0 ? 0 : 1);

function tableOf(all: readonly RotationOutcome[]): string {
  const of = (count: number, whole: number) => `${count} of ${whole}`;
  const rows = all.map((one) =>
    [
      one.overlap ? "with an overlap" : "without",
      one.rotations,
      of(one.refusedRequests, one.requests),
      of(one.refusedSubscriptions, one.subscriptions),
      of(one.refusedSignIns, one.signIns),
      of(one.webhooksLost, 2 * one.channels),
      one.badlySigned,
      one.connectionsClosed,
      one.previousTaken,
      one.seconds,
    ].join(" | "),
  );
  return [
    `${machineLine()}.`,
    "",
    "| | rotations | requests refused | subscriptions refused | sign-ins refused | webhooks lost | badly signed | connections closed | previous secret taken | seconds |",
    `|${"---|".repeat(10)}`,
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}
