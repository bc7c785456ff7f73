import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AGENT_NUMBERS } from "../../../src/config/agent-numbers.ts";
import { EXIT, EXIT_CODES_IN_WORDS } from "../../../src/cli/support/exit-codes.ts";

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
  ["docs/console.md", "differ by more than a second", "src/protocol/plausible-lag.ts", "CLOCK_TOLERANCE_MS = 1_000"],
  ["docs/console.md", "From 12 nodes on", "src/console/page/nodes.tsx", "COMPACT_FROM = 12"],
  ["docs/console.md", "for ten minutes", "src/console/series.ts", "MAX_BUCKETS = 120"],
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
  ["docs/reference/soketi.md", "kept in memory, at most 10,000 and 32 MB, retried for 10 minutes", "src/soketi/webhooks.ts", "{ maxAgeMs: 600_000, maxItems: 10_000, maxBytes: 32_000_000 }"],
  ["docs/reference/soketi.md", "by BullMQ for an hour (`redis`)", "src/soketi/webhook-queue.ts", '"table-unreadable": 3_600_000'],
  ["docs/reference/soketi.md", "events of the next minute", "src/soketi/webhook-apps.ts", "MIN_CLOSING_MS = 60_000"],
  ["docs/reference/soketi.md", "(or of 300,000 /", "src/soketi/webhook-apps.ts", "CONNECTIONS = 300_000"],
  ["docs/reference/soketi.md", "for an hour, unless the app is created again", "src/soketi/webhook-apps.ts", "GONE_MS = 3_600_000"],
  ["docs/reference/soketi.md", "return the job to a shared queue for 10 minutes", "src/soketi/webhook-queue.ts", '"app-gone": 600_000'],
  ["docs/reference/soketi.md", "250 requests to SQS at a time", "src/soketi/webhook-sqs.ts", "MAX_SENDING = 250"],
  ["docs/reference/soketi.md", "after 20 s the request ends", "src/soketi/webhook-delivery.ts", "ANSWER_LIMIT_MS = 20_000"],
  ["docs/reference/soketi.md", "at most 250 unanswered requests at a time", "src/soketi/webhook-receivers.ts", "MAX_SENDING = 250"],
  ["docs/reference/soketi.md", "and 10 while the node has 5,000", "src/soketi/webhook-receivers.ts", "MAX_SENDING_OF_NODE = 5_000;\nconst FEW = 10"],
  ["docs/reference/soketi.md", "at most 2,500 and 8 MB for a receiver", "src/soketi/webhook-receivers.ts", "{ items: 2_500, bytes: 8_000_000 }"],
  ["docs/reference/soketi.md", "10,000 and 32 MB for all", "src/soketi/webhook-receivers.ts", "{ items: 10_000, bytes: 32_000_000 }"],
  ["docs/reference/soketi.md", "that are under way get 5 s", "src/soketi/webhooks.ts", "LAST_MS = 5_000"],
  ["docs/reference/soketi.md", "of which at most 1 MB is read and nothing decompressed", "src/soketi/webhook-requests.ts", "{ maxContentLength: 1_000_000, decompress: false }"],
  ["docs/reference/soketi.md", "and at most 128 KB", "src/soketi/webhook-batches.ts", "MAX_BYTES = 128_000"],
  ["docs/reference/soketi.md", "in each turn of the event loop, within 4 ms", "src/soketi/guards/turns.ts", "TURN_MS = 4"],
  ["docs/reference/soketi.md", "100 messages or 64 kB per connection, 16 MB per node", "src/soketi/guards/early-messages.ts", "maxMessages: 100,\n  maxBytes: 64 * 1024,\n  maxBytesOfNode: 16 * 1024 * 1024"],
  ["docs/reference/soketi.md", "(8 go on in each turn", "src/soketi/guards/turns.ts", "perTurn = 8"],
  ["docs/reference/soketi.md", "then 40 are handled", "src/soketi/guards/messages.ts", "EARLY_PER_TURN = 40"],
  ["docs/reference/soketi.md", "and 1,024 for each kB of the app's limit", "src/soketi/guards/json-structure.ts", "FREE_CHARACTERS + 1024 * kilobytes"],
  ["docs/reference/soketi.md", "commas than 16,384", "src/soketi/guards/json-structure.ts", "FREE_CHARACTERS = 16 * 1024"],
  ["docs/reference/soketi.md", "(now 500 after 30 s)", "src/soketi/guards/response-shield.ts", "ANSWER_LIMIT_MS = 30_000"],
  ["docs/reference/soketi.md", "over 128 MB in a node", "src/soketi/guards/request-bodies.ts", "UNSIGNED_BYTES = 128 * BYTES_PER_MB"],
  ["docs/reference/soketi.md", "now 400 over 4 kB", "src/soketi/guards/query.ts", "MAX_LENGTH = 4_096"],
  ["docs/reference/soketi.md", "or 256 fields", "src/soketi/guards/query.ts", "MAX_FIELDS = 256"],
  ["docs/reference/soketi.md", "for more than 8 escapes", "src/soketi/guards/query.ts", "MAX_BAD_ESCAPES = 8"],
  ["docs/reference/soketi.md", "over 2,048 bytes reaching DynamoDB", "src/protocol/message.ts", "MAX_HASH_KEY_BYTES = 2_048"],
  ["docs/reference/protocol.md", "30 s after their last heartbeat", "src/redis/bus.ts", "PRESENT_MS = 30_000"],
  ["docs/reference/protocol.md", "(JSON plus 64 bytes each)", "src/redis/append-script.ts", "ENTRY_OVERHEAD = 64"],
  ["docs/reference/protocol.md", "at most 100 changes", "src/protocol/encode.ts", "MAX_CHANGES = 100"],
  ["docs/reference/protocol.md", "changes and 64 KB", "src/protocol/encode.ts", "MAX_BYTES = 64 * 1024"],
  ["docs/reference/protocol.md", "one of more than 25 records in a batch", "src/protocol/encode.ts", "MAX_VIEWS = 25"],
  ["docs/reference/protocol.md", "<8 to 64 letters, digits, - or _>", "src/protocol/node.ts", "/^[\\w-]{8,64}$/"],
  ["docs/reference/protocol.md", "(last 64 messages", "src/agent/recent-messages.ts", "MAX_MESSAGES = 64"],
  ["docs/reference/protocol.md", "`flushes` (last 16", "src/agent/recent-flushes.ts", "MAX_FLUSHES = 16"],
  ["docs/reference/protocol.md", "The list expires after 10 s", "src/redis/answers.ts", "EXPIRY_MS = 10_000"],
  ["docs/reference/protocol.md", "An agent with four answers under way", "src/redis/answers.ts", "MAX_UNDER_WAY = 4"],
  ["docs/reference/metrics.md", "1,000 apps by name, the rest", "src/agent/previous-secret-uses.ts", "MAX_APPS = 1_000"],
  ["docs/reference/metrics.md", "none after 20 s", "handlers/canary.ts", "LIMIT_MS = 20_000"],
  ["docs/reference/metrics.md", "those that vanished within an hour", "src/fleet/measure-change.ts", "VANISHED_MS = 3_600_000"],
  ["docs/reference/metrics.md", "(within three runs, if those take longer)", "src/fleet/measure-change.ts", "VANISHED_RUNS = 3"],
  ["docs/reference/items.md", "that expired over five minutes ago", "src/app/item-check.ts", "CLOCK_MARGIN_MS = 300_000"],
  ["docs/reference/settings.md", "remembered as unknown (ids: a minute)", "src/agent/cache-entries.ts", "MISSING_TTL_MS = 60_000"],
  ["docs/relay.md", "a failed one is retried after a minute", "src/relay/sweep-regularly.ts", "FIRST_RETRY_MS = 60_000"],
  ["docs/relay.md", "relay off for 20 hours", "src/relay/term.ts", "POSITIONS_LAST_MS = 20 * 3_600_000"],
  ["docs/cli.md", "still serves something else after 3 s", "src/cli/get/app-report.ts", "SETTLE_MS = 3_000"],
];

describe("a number that is promised is the code's", () => {
  it.each(PROMISES)("%s: %s", (document, words, source, code) => {
    expect(flat(read(document))).toContain(words);
    // `= 4` is not in `= 40`.
    const ends = read(source).split(code).slice(1);
    expect(ends.some((rest) => !/^[\d_]/.test(rest))).toBe(true);
  });

  it.each(Object.values(AGENT_NUMBERS))("$variable: default and range", ({ variable, min, max, ...number }) => {
    expect(read("docs/reference/settings.md")).toMatch(
      new RegExp(`^\\| \`${variable}\` \\| ${number.default} \\| ${min}-${max}\\b`, "m"),
    );
  });
});

it("--help has each exit code", () => {
  const named = [...EXIT_CODES_IN_WORDS.matchAll(/\b\d+\b/g)].map(Number);
  expect(named.sort()).toEqual([...Object.values(EXIT)].sort());
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
