import { writeInto } from "../../bench/document.ts";
import { machineLine } from "../../bench/machine.ts";
import "../support/version.ts";
import { startProvidedDynamoDb } from "../support/provided-dynamodb.ts";
import { failuresText } from "./failures.ts";
import { FAULTS, SLOW_FAULTS } from "./relay/faults.ts";
import { FAILOVERS, type FailoverOutcome, runFailover } from "./relay/run-failover.ts";
import { type RelayOutcome, runFault } from "./relay/run-fault.ts";

/**
 * `npm run chaos:relay`: two real relays, real faults of the active one, and what became of each change. Writes the table of
 * docs/reference/test-results.md. Exit code 1 when a change was lost, doubled or out of order, or a successor took longer than promised.
 */
const CHANGES = 600;
const SUCCESSION_LIMIT_MS = 5_000;

const dynamodb = await startProvidedDynamoDb();
const outcomes: RelayOutcome[] = [];
const failovers: FailoverOutcome[] = [];
try {
  for (const fault of [...FAULTS, ...SLOW_FAULTS]) {
    const outcome = await runFault(fault, dynamodb.endpoint, CHANGES);
    console.log(JSON.stringify(outcome));
    outcomes.push(outcome);
  }
  for (const fault of FAILOVERS) {
    const outcome = await runFailover(fault, dynamodb.endpoint, CHANGES);
    console.log(JSON.stringify(outcome));
    failovers.push(outcome);
  }
} finally {
  await dynamodb.stop();
}

const seconds = (ms: number | undefined) => (ms === undefined ? "" : `${(ms / 1_000).toFixed(1)} s`);
const rows = outcomes.map(
  (one) =>
    `| ${one.fault} | ${failuresText({ lost: one.lost, "out of order": one.outOfOrder, twice: one.doubled })} | ${one.terms} | ${seconds(one.successionMs)} | ${seconds(one.longestDelayMs)} |`,
);
const table = [
  `${machineLine()}; ${CHANGES} changes each.`,
  "",
  "| fault of the active relay | failures | terms | successor after | longest delay |",
  "|---|---|---|---|---|",
  ...rows,
  "",
  "| fault of Redis | lost without a flush | flushes | longest delay |",
  "|---|---|---|---|",
  ...failovers.map(
    (one) =>
      `| ${one.form}: ${one.fault} | ${one.missed} | ${one.flushes} | ${seconds(one.longestDelayMs)} |`,
  ),
].join("\n");
writeInto("docs/reference/test-results.md", "chaos:relay", table);
const bad = [
  ...outcomes.filter(
    ({ lost, outOfOrder, doubled, successionMs = 0 }) =>
      lost + outOfOrder + doubled > 0 || successionMs > SUCCESSION_LIMIT_MS,
  ),
  ...failovers.filter(({ missed }) => missed > 0),
];
console.log(bad.length === 0 ? "nothing was lost" : `FAILED: ${bad.map(({ fault }) => fault).join(", ")}`);
process.exit(bad.length === 0 ? 0 : 1);
