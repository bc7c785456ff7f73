import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

const gate = readFileSync(new URL("../../../.ci/run", import.meta.url), "utf8");

/** What .ci/run makes of `npm test`: its last part, with a run that ends with this code and has written this report. */
function lastLineOf(exitCode: number, report: string): [status: number | null, last: string | undefined] {
  const folder = mkdtempSync(join(tmpdir(), "app-sync-gate-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "report.json");
  writeFileSync(file, report);
  const before = `set -uo pipefail
    passed=3 failed=0 failures=()
    on_node_24() { local last; for last; do :; done; cp "${file}" "\${last#--outputFile.json=}"; return ${exitCode}; }`;
  const script = `${before}\n${gate.slice(gate.indexOf("report=$(mktemp)"))}`;
  const { status, stdout } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  return [status, stdout.trim().split("\n").at(-1)];
}

const reported = (numPassedTests: number, numFailedTests: number, testResults: object[] = []) =>
  JSON.stringify({
    numPassedTests,
    numFailedTests,
    numTotalTests: numPassedTests + numFailedTests,
    testResults,
  });

it.each<[string, number, string, number, string]>([
  ["well", 0, reported(5, 0), 0, "8 passed, 0 failed"],
  ["failed tests", 1, reported(5, 2), 1, "8 passed, 2 failed"],
  ["an error that nobody caught, and no failed test", 1, reported(5, 0), 1, "8 passed, 1 failed"],
  [
    "a file that did not load",
    1,
    reported(5, 0, [{ status: "failed", assertionResults: [] }]),
    1,
    "8 passed, 1 failed",
  ],
  ["no test at all", 0, reported(0, 0), 1, "3 passed, 1 failed"],
  ["no report", 1, "", 1, "3 passed, 1 failed"],
])("the gate: %s", (_, exitCode, report, status, last) => {
  expect(lastLineOf(exitCode, report)).toEqual([status, last]);
});
