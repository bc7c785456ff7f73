import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AGENT_NUMBERS } from "../../../src/config/agent-numbers.ts";
import { EXIT } from "../../../src/cli/support/exit-codes.ts";

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
/** As a paragraph is read, wherever its lines break. */
const flat = (text: string) => text.replace(/\s+/g, " ");

/** What documents promise in numbers, and the line of the code that keeps it: whoever changes one has to change the other. */
const PROMISES: readonly (readonly [document: string, words: string, source: string, code: string])[] = [
  ["docs/cli.md", "a write took over 2 s", "src/protocol/canary.ts", "CANARY_BOUND_MS = 2_000"],
  ["docs/cli.md", "within `--timeout` (8 s)", "src/cli/measure/measure.ts", ".default(8_000,"],
  ["docs/cli.md", "about every `--interval` (500 ms)", "src/cli/measure/measure.ts", ".default(500,"],
  ["docs/cli.md", "up to `--timeout` (30 s)", "src/cli/support/confirm.ts", ".default(30_000,"],
  ["docs/cli.md", "the old secret for up to 30 days", "src/cli/apps/rotate.ts", "MAX_OVERLAP_MS = 30 * 86_400_000"],
  ["docs/cli.md", "a vanished agent for a day", "src/redis/bus.ts", "REMEMBERED_MS = 86_400_000"],
  ["docs/console.md", "`http://127.0.0.1:6009/`", "src/cli/console.ts", "port, 6009)"],
  ["docs/console.md", "differ by more than a second", "src/fleet/plausible-lag.ts", "CLOCK_TOLERANCE_MS = 1_000"],
  ["docs/console.md", "From 12 nodes on", "src/console/page/nodes.tsx", "COMPACT_FROM = 12"],
  ["docs/console.md", "for ten minutes", "src/console/series.ts", "#kept = 120"],
  ["docs/console.md", "the last 50", "src/console/snapshot.ts", "SHOWN = 50"],
  ["docs/console.md", "with more than six nodes", "src/console/page/changes.tsx", "COLUMNS = 6"],
  ["docs/console.md", "Twelve or more of one kind", "src/console/burst.ts", "BULK_FROM = 12"],
  ["docs/console.md", "of one kind within a second", "src/console/burst.ts", "GAP_MS = 1_000"],
  ["docs/console.md", "up to 10,000 with all", "src/console/apps.ts", "MAX_APPS = 10_000"],
  ["docs/console.md", "every five minutes", "src/console/apps.ts", "WHOLE_EVERY_MS = 300_000"],
  ["docs/console.md", "(16 characters or more", "src/cli/console.ts", "{16,256}"],
  ["docs/agent.md", "within 30 s, it is counted as stale", "src/agent/agent.ts", "VERIFIER_GRACE_MS = 30_000"],
  ["docs/agent.md", "(repeated every 30 s)", "src/soketi/repeated-warnings.ts", "REPEAT_MS = 30_000"],
  ["docs/agent.md", "those of the last 10 s", "src/soketi/sign-in-requests.ts", "NEW_MS = 10_000"],
  ["docs/relay.md", "`behindSeconds` is below 60", "src/relay/health.ts", "BEHIND_LIMIT_MS = 60_000"],
  ["docs/relay.md", "retries it alone for a minute", "src/relay/take-records.ts", "RECORD_LIMIT_MS = 60_000"],
  ["docs/relay.md", "finds the new one within 10 s", "src/relay/start-relay.ts", "LIST_MS = 10_000"],
  ["docs/relay.md", "backs off up to 5 s", "src/relay/read-shard.ts", "MAX_PAUSE_MS = 5_000"],
  ["docs/relay.md", "DynamoDB silent for 2.5 s", "src/relay/relay.ts", "STALLED_MS = 2_500"],
  ["docs/relay.md", "250 | interval between requests", "src/config/relay.ts", '_POLL_MS", 20, 10_000, 250)'],
  ["docs/relay.md", "3000 | how long a vanished relay", "src/config/relay.ts", '_LEASE_MS", 1_000, 30_000, 3_000)'],
  ["docs/relay.md", "sweep, 5 to 1,440", "src/config/relay.ts", '_SWEEP_MINUTES", 5, 1_440, 60)'],
  ["docs/redis.md", "at most every 5 s", "src/redis/stored-secret.ts", "READ_AGAIN_MS = 5_000"],
  ["docs/redis.md", "without an answer within 5 s", "src/redis/stored-secret.ts", "READ_LIMIT_MS = 5_000"],
  ["docs/security.md", "four answers at a time", "src/redis/answers.ts", "MAX_UNDER_WAY = 4"],
  ["docs/security.md", "an app id over 2048 bytes", "src/protocol/message.ts", "MAX_HASH_KEY_BYTES = 2_048"],
  ["docs/shared-cache.md", "expire after 25 hours", "src/redis/app-cache.ts", "FENCE_SECONDS = 25 * 3_600"],
];

describe("a number that is promised is the code's", () => {
  it.each(PROMISES)("%s: %s", (document, words, source, code) => {
    expect(flat(read(document))).toContain(words);
    expect(read(source)).toContain(code);
  });

  it.each(Object.values(AGENT_NUMBERS))("$variable: default and range", ({ variable, min, max, ...number }) => {
    expect(read("docs/reference/settings.md")).toMatch(
      new RegExp(`^\\| \`${variable}\` \\| ${number.default} \\| ${min}-${max}\\b`, "m"),
    );
  });
});

it("docs/cli.md has each exit code, and no other", () => {
  const table = read("docs/cli.md").split("| exit code |")[1]?.split("\n\n")[0] ?? "";
  const documented = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, codes = ""]) => codes.split(", "));
  expect(documented.map(Number).sort()).toEqual([...Object.values(EXIT)].sort());
});

describe("a figure outside the benchmarks is one of theirs", () => {
  const benchmarks = read("docs/reference/benchmarks.md");
  /** Cells of a table that a benchmark wrote, by the row's name. */
  const rowsOf = (name: string) => {
    const table = benchmarks.split(`<!-- ${name} begin -->`)[1]?.split(`<!-- ${name} end -->`)[0] ?? "";
    const rows = [...table.matchAll(/^\| ([^|]+) \|(.*)\|$/gm)];
    return new Map(rows.map(([, row = "", cells = ""]) => [row, cells.split("|").map((cell) => cell.trim())]));
  };
  const staleness = rowsOf("bench:staleness");
  const cells = (row: string) => staleness.get(row) ?? [];
  const [p50 = "", p99 = "", longest = "", reads = ""] = cells("soketi-app-sync");
  const number = (text = "") => Number(text.replace(",", ""));
  const requests = rowsOf("bench:soketi");

  it("in README", () => {
    const text = flat(read("README.md"));
    const times = Math.round(number(cells("no cache")[3]) / number(reads));
    expect(text).toContain(`| **soketi-app-sync** | ${p50} (p50), ${p99} (p99) |`);
    expect(text).toContain(`with ${times} times the reads`);
    expect(text).toContain(`${longest} with soketi-app-sync`);
    expect(text).toContain(`${Math.round(Number.parseFloat(cells("soketi's cache, TTL 60 s")[2] ?? ""))} s with a TTL`);
  });

  it("in docs/choose.md", () => {
    const text = flat(read("docs/choose.md"));
    const minute = cells("soketi's cache, TTL 60 s");
    for (const words of [
      `p50 ${p50}, p99 ${p99}`,
      `| ${cells("no cache")[3]} | a tenth of the`,
      `p50 ${Math.round(Number.parseFloat(minute[0] ?? ""))} s at 60 s`,
      `${Math.round(number(minute[3]))} at 60 s, ${cells("soketi's cache, TTL 1 s")[3]} at 1 s`,
      `10 s for ${cells("soketi's cache, TTL 10 s")[3]} reads a minute`,
      `${requests.get("soketi, no app cache")?.[0]} requests a second, against ${requests.get("soketi with the agent")?.[0]}`,
    ]) {
      expect(text).toContain(words);
    }
  });
});
