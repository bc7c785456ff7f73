import { parseArgs } from "node:util";
import { machineLine } from "../../bench/machine.ts";
import { startProvidedDynamoDb } from "../support/provided-dynamodb.ts";
import { failuresText } from "./failures.ts";
import { NODES_FAULTS } from "./nodes/faults.ts";
import { broken, type NodesOutcome, runNodesFault } from "./nodes/run.ts";
import { writeInto } from "../../bench/document.ts";

/**
 * `npm run chaos`: four real soketi nodes under real faults, asked from outside what they serve. Writes the table of
 * docs/reference/test-results.md when all faults were run. Exit code 1 when a promise was broken.
 *
 * --seed N       what random things follow from; default 1
 * --fault TEXT   only the faults that have this in their name or in their form of Redis
 * --rate N       writes a second; default 20
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    fault: { type: "string" },
    rate: { type: "string", default: "20" },
  },
});

const chosen = NODES_FAULTS.filter(({ name, form }) => `${form}: ${name}`.includes(values.fault ?? ""));
const outcomes: NodesOutcome[] = [];
const dynamodb = await startProvidedDynamoDb();
try {
  for (const fault of chosen) {
    const outcome = await runNodesFault(fault, {
      dynamodbEndpoint: dynamodb.endpoint,
      seed: Number(values.seed),
      rate: Number(values.rate),
    });
    console.log(JSON.stringify(outcome));
    outcomes.push(outcome);
  }
} finally {
  await dynamodb.stop();
}

if (values.fault === undefined) writeInto("docs/reference/test-results.md", "chaos", tableOf(outcomes));
const failed = outcomes.flatMap((outcome) =>
  broken(outcome).map((what) => `${outcome.redis}, ${outcome.fault}: ${what}`),
);
console.log(
  failed.length === 0 ? `${outcomes.length} faults, no promise broken` : `FAILED\n${failed.join("\n")}`,
);
process.exit(failed.length === 0 ? 0 : 1);

function tableOf(all: readonly NodesOutcome[]): string {
  const seconds = (ms: number) => (ms / 1_000).toFixed(ms < 1_000 ? 3 : 1);
  const changes = all.reduce((sum, one) => sum + one.changes, 0).toLocaleString("en");
  const rows = all.map((one) =>
    [
      one.redis === "standalone" ? one.fault : `${one.redis}: ${one.fault}`,
      seconds(one.p50StaleMs),
      seconds(one.p99StaleMs),
      seconds(one.longestStaleMs),
      seconds(one.boundMs),
      seconds(one.longestCloseMs),
      failuresText({
        "never seen": one.neverSeen,
        "went back": one.wentBack,
        "wrongly refused": one.wronglyRefused,
        "still open": one.stillOpen,
        died: one.nodesDied,
      }),
    ].join(" | "),
  );
  return [
    `${machineLine()}; ${changes} changes, ${values.rate} a second, seed ${values.seed}. Seconds.`,
    "",
    "| fault | p50 stale | p99 | longest | allowed | longest close | failures |",
    `|${"---|".repeat(7)}`,
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}
