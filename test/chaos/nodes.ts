import { type ChildProcess, spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { machineLine } from "../../bench/machine.ts";
import { quantile } from "../../bench/statistics.ts";
import { startProvidedDynamoDb } from "../support/provided-dynamodb.ts";
import { failuresText } from "./failures.ts";
import { NODES_FAULTS } from "./nodes/faults.ts";
import { broken, type NodesFault, type NodesOutcome, runNodesFault } from "./nodes/run.ts";
import { writeInto } from "../../bench/document.ts";

/**
 * `npm run chaos`: four real soketi nodes under real faults, asked from outside what they serve. Writes the table of
 * docs/reference/test-results.md when all faults were run. Exit code 1 when a promise was broken.
 *
 * --seed N       what random things follow from; default 1
 * --fault TEXT   only the faults that have this in their name or in their form of Redis
 * --rate N       writes a second; default 20
 * --times N      each fault N times, with the seeds that follow; writes the table of repeated runs instead. Default 1
 * --busy N       processes that loop beside all of it; default 0
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    fault: { type: "string" },
    rate: { type: "string", default: "20" },
    times: { type: "string", default: "1" },
    busy: { type: "string", default: "0" },
  },
});

const chosen = NODES_FAULTS.filter(({ name, form }) => `${form}: ${name}`.includes(values.fault ?? ""));
const times = Number(values.times);
const busy = Number(values.busy);
const rate = Number(values.rate);
const firstSeed = Number(values.seed);
const outcomes: NodesOutcome[] = [];
/** Until its parent has ended, however that was. */
const LOOP = "const parent = process.ppid; while (process.ppid === parent);";
const loops: ChildProcess[] = [];
try {
  for (let i = 0; i < busy; i += 1) loops.push(spawn(process.execPath, ["--eval", LOOP]));
  for (const fault of chosen) {
    for (let seed = firstSeed; seed < firstSeed + times; seed += 1) {
      const outcome = await runOnce(fault, seed);
      console.log(JSON.stringify(outcome));
      outcomes.push(outcome);
    }
  }
} finally {
  for (const loop of loops) loop.kill("SIGKILL");
}

if (times > 1) writeInto("docs/reference/test-results.md", "chaos:repeated", repeatedTableOf(outcomes));
else if (values.fault === undefined) {
  writeInto("docs/reference/test-results.md", "chaos", tableOf(outcomes));
}
const failed = outcomes.flatMap((outcome) =>
  broken(outcome).map((what) => `${outcome.redis}, ${outcome.fault}: ${what}`),
);
console.log(
  failed.length === 0 ? `${outcomes.length} faults, no promise broken` : `FAILED\n${failed.join("\n")}`,
);
process.exit(failed.length === 0 ? 0 : 1);

/** On a DynamoDB Local of its own: each stream of before slows it down, in the end to where the table cannot be read in 5 s. */
async function runOnce(fault: NodesFault, seed: number): Promise<NodesOutcome> {
  const dynamodb = await startProvidedDynamoDb();
  try {
    return await runNodesFault(fault, { dynamodbEndpoint: dynamodb.endpoint, seed, rate });
  } finally {
    await dynamodb.stop();
  }
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(ms < 1_000 ? 3 : 1);
}

function nameOf({ redis, fault }: NodesOutcome): string {
  return redis === "standalone" ? fault : `${redis}: ${fault}`;
}

function failuresOf(all: readonly NodesOutcome[]): string {
  const sum = (of: (one: NodesOutcome) => number) => all.reduce((total, one) => total + of(one), 0);
  return failuresText({
    "never seen": sum((one) => one.neverSeen),
    "went back": sum((one) => one.wentBack),
    "wrongly refused": sum((one) => one.wronglyRefused),
    "still open": sum((one) => one.stillOpen),
    died: sum((one) => one.nodesDied),
  });
}

function repeatedTableOf(all: readonly NodesOutcome[]): string {
  const rows = [...new Set(all.map(nameOf))].map((name) => {
    const runs = all.filter((one) => nameOf(one) === name);
    const longest = runs.map(({ longestStaleMs }) => longestStaleMs);
    const figures = [
      quantile(longest, 0.5),
      quantile(longest, 0.9),
      Math.max(...longest),
      runs[0]?.boundMs ?? 0,
    ];
    return [name, runs.length, ...figures.map(seconds), failuresOf(runs)].join(" | ");
  });
  return [
    `${machineLine()}; ${busy} processes loop beside; seeds from ${firstSeed}. Seconds.`,
    "",
    "| fault | runs | longest stale: median run | nine of ten | worst run | allowed | failures |",
    `|${"---|".repeat(7)}`,
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}

function tableOf(all: readonly NodesOutcome[]): string {
  const changes = all.reduce((sum, one) => sum + one.changes, 0).toLocaleString("en");
  const rows = all.map((one) =>
    [
      nameOf(one),
      seconds(one.p50StaleMs),
      seconds(one.p99StaleMs),
      seconds(one.longestStaleMs),
      seconds(one.boundMs),
      seconds(one.longestCloseMs),
      failuresOf([one]),
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
