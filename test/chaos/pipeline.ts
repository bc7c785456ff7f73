/**
 * `npm run chaos:pipeline [-- --bulk --apps N]`: real faults on real parts, and what became of each change; and a write to all apps
 * under a Redis with little room. Writes the tables of docs/reference/test-results.md and docs/scale.md. Exit code 1 when a change was
 * lost or refused for want of room, or an app's newest message is not its newest change.
 *
 * --bulk     the write to all apps alone
 * --apps N   how many it writes; default 1,000,000
 */
import { parseArgs } from "node:util";
import { writeInto } from "../../bench/document.ts";
import { machineLine } from "../../bench/machine.ts";
import { startProvidedDynamoDb } from "../support/provided-dynamodb.ts";
import { failuresText } from "./failures.ts";
import { BULK_WRITES, bulkTable, type BulkOutcome, runBulkWrite } from "./pipeline/bulk-write.ts";
import { FAULTS, SLOW_FAULTS } from "./pipeline/faults.ts";
import { type FaultOutcome, runFault } from "./pipeline/run-fault.ts";

const CHANGES = 300;
const { values } = parseArgs({
  options: {
    bulk: { type: "boolean", default: false },
    apps: { type: "string", default: "1000000" },
  },
});

const dynamodb = await startProvidedDynamoDb();
const outcomes: FaultOutcome[] = [];
const bulk: BulkOutcome[] = [];
try {
  for (const fault of values.bulk ? [] : [...FAULTS, ...SLOW_FAULTS]) {
    const outcome = await runFault(fault, dynamodb.endpoint, CHANGES);
    console.log(JSON.stringify(outcome));
    outcomes.push(outcome);
  }
  for (const one of BULK_WRITES) {
    const outcome = await runBulkWrite(one, dynamodb.endpoint, Number(values.apps));
    console.log(JSON.stringify(outcome));
    bulk.push(outcome);
  }
} finally {
  await dynamodb.stop();
}

const rows = outcomes.map(
  (one) =>
    `| ${one.fault} | ${one.queued} | ${failuresText({ lost: one.lost, "out of order": one.outOfOrder })} | ${(one.longestDelayMs / 1_000).toFixed(1)} s |`,
);
const table = [
  `${machineLine()}; ${CHANGES} changes each.`,
  "",
  "| fault | queued | failures | longest delay |",
  "|---|---|---|---|",
  ...rows,
].join("\n");
if (!values.bulk) writeInto("docs/reference/test-results.md", "chaos:pipeline", table);
writeInto("docs/scale.md", "chaos:pipeline", `${machineLine()}.\n\n${bulkTable(bulk)}`);
const bad = [
  ...outcomes.filter(({ lost, outOfOrder }) => lost + outOfOrder > 0).map(({ fault }) => fault),
  ...bulk
    .filter(({ refused, refusedAfter, stale }) => refused + refusedAfter + stale > 0)
    .map(({ name }) => name),
];
console.log(bad.length === 0 ? "nothing was lost" : `FAILED: ${bad.join(", ")}`);
process.exit(bad.length === 0 ? 0 : 1);
