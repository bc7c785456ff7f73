import { machineLine } from "../../bench/machine.ts";
import { startProvidedDynamoDb } from "../support/provided-dynamodb.ts";
import { FAULTS, SLOW_FAULTS } from "./pipeline/faults.ts";
import { type FaultOutcome, runFault } from "./pipeline/run-fault.ts";
import { writeInto } from "../../bench/document.ts";

/**
 * `npm run chaos:pipeline`: real faults on real parts, and what became of each change. Writes the table of
 * docs/reliability.md. Exit code 1 when a change was lost, or an app's newest message is not its newest change.
 */
const CHANGES = 300;

const dynamodb = await startProvidedDynamoDb();
const outcomes: FaultOutcome[] = [];
try {
  for (const fault of [...FAULTS, ...SLOW_FAULTS]) {
    const outcome = await runFault(fault, dynamodb.endpoint, CHANGES);
    console.log(JSON.stringify(outcome));
    outcomes.push(outcome);
  }
} finally {
  await dynamodb.stop();
}

const rows = outcomes.map(
  (one) =>
    `| ${one.fault} | ${one.changes} | ${one.published} | ${one.queued} | ${one.redriven} | ${one.lost} | ${one.outOfOrder} | ${(one.longestDelayMs / 1_000).toFixed(1)} s |`,
);
const table = [
  `${machineLine()}.`,
  "",
  "| fault | changes | published | queued | redriven | lost | out of order | longest delay |",
  "|---|---|---|---|---|---|---|---|",
  ...rows,
].join("\n");
writeInto("docs/reliability.md", "chaos:pipeline", table);
const bad = outcomes.filter(({ lost, outOfOrder }) => lost + outOfOrder > 0);
console.log(bad.length === 0 ? "nothing was lost" : `FAILED: ${bad.map(({ fault }) => fault).join(", ")}`);
process.exit(bad.length === 0 ? 0 : 1);
