import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { slug } from "github-slugger";
import { describe, expect, it } from "vitest";
import type { Agent } from "../../../src/agent/agent.ts";
import { agentMetrics } from "../../../src/agent/metrics.ts";
import { readAgentConfig } from "../../../src/config/agent.ts";
import { DOCUMENTS } from "../../support/commands-in-documents.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const read = (file: string) => readFileSync(join(root, file), "utf8");
const documents = [...DOCUMENTS, "CHANGELOG.md"];

/** Every variable that the sources read, by the way they read it. */
function variablesRead(): string[] {
  const sources = readdirSync(join(root, "src/config")).map((file) => read(`src/config/${file}`));
  const names = sources.join("\n").matchAll(/"((?:REDIS|APP_SYNC|SOKETI_APP_MANAGER|APP_MANAGER|SHARED|DB_REDIS|SOKETI_DB)_[A-Z_]+)"/g);
  return [...new Set([...names].map((match) => match[1] ?? ""))];
}

describe("documents", () => {
  it.each(documents)("%s: every link leads to a file, every anchor to a heading", (file) => {
    for (const [, target = "", anchor] of read(file).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
      const path = target === "" ? file : join(dirname(file), target);
      expect(existsSync(join(root, path)), `${file} links to ${path}`).toBe(true);
      if (anchor === undefined) continue;
      const headings = [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) => slug(text));
      expect(headings, `${file} links to ${path}#${anchor}`).toContain(anchor);
    }
  });

  it("that are read, not looked up, have less than 1,200 words each and 15,000 together", () => {
    const words = DOCUMENTS.filter((file) => !file.startsWith("docs/reference/")).map(
      (file) => [file, read(file).split(/\s+/).filter(Boolean).length] as const,
    );
    expect(words.filter(([, count]) => count >= 1_200)).toEqual([]);
    expect(words.reduce((sum, [, count]) => sum + count, 0)).toBeLessThan(15_000);
  });

  it.each(documents)("%s: every npm script that it names exists", (file) => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    for (const [, name = ""] of read(file).matchAll(/npm (?:run )?(?:--silent |-s )?((?:bench|chaos):\w+|start|test|run [\w:]+)/g)) {
      expect(Object.keys(scripts), `${file} names ${name}`).toContain(name.replace(/^run /, ""));
    }
  });

  it("together name every variable that is read", () => {
    const text = documents.map(read).join("\n");
    expect(variablesRead().length).toBeGreaterThan(15);
    expect(variablesRead().filter((name) => !text.includes(name))).toEqual([]);
  });

  it("name no variable of ours that nothing reads", () => {
    const files = ["src", "local", "deploy"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`),
    );
    const sources = files.filter((file) => /\.(?:[cm]?[jt]sx?)$/.test(file)).map(read).join("\n"); // prettier-ignore
    const named = DOCUMENTS.map(read).join("\n").matchAll(/\bAPP_SYNC_[A-Z_]+\b/g); // prettier-ignore
    // Those of Redis may have our prefix, or none: src/config/redis.ts.
    const isRead = (name: string) => sources.includes(name) || sources.includes(`"${name.replace("APP_SYNC_", "")}"`);
    const all = new Set([...named].map(([name]) => name));
    expect(all.size).toBeGreaterThan(30);
    expect([...all].filter((name) => !isRead(name))).toEqual([]);
  });

  it("docs/reference/settings.md has the agent's defaults", () => {
    const text = read("docs/reference/settings.md");
    const { limits, ...config } = readAgentConfig({}, "apps");
    for (const [variable, value] of [
      ["APP_SYNC_LEASE_MS", config.leaseMs],
      ["APP_SYNC_HEARTBEAT_MS", config.heartbeatMs],
      ["APP_SYNC_DEGRADED_TTL_MS", limits.degradedTtlMs],
      ["APP_SYNC_MAX_STALE_ON_ERROR_MS", limits.maxStaleOnErrorMs],
      ["APP_SYNC_LOAD_BUDGET_MS", limits.loadBudgetMs],
      ["APP_SYNC_MISSING_KEY_TTL_MS", limits.missingKeyTtlMs],
      ["APP_SYNC_MAX_ENTRIES", limits.maxEntries],
      ["APP_SYNC_RELOAD_JITTER_MS", config.reloadJitterMs],
      ["APP_SYNC_VERIFY_EVERY_MS", config.verifyEveryMs],
      ["APP_SYNC_CLOSES_PER_SECOND", config.closesPerSecond],
    ]) {
      expect(text).toContain(`| \`${String(variable)}\` | ${String(value)} |`);
    }
  });

  it("docs/reference/metrics.md explains every metric", () => {
    const agent = { cache: { stats: {} }, follower: { stats: {} }, verifier: {}, flushes: new Map() };
    const names = agentMetrics(agent as unknown as Agent<never>, {} as never).map(({ name }) => name);
    const text = read("docs/reference/metrics.md");
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !text.includes(`_${name}`))).toEqual([]);
  });

  it("have what each benchmark, chaos and mutation run has measured", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const text = documents.map(read).join("\n");
    const measured = [...text.matchAll(/<!-- ([\w:]+) begin -->\n([^]*?)<!-- \1 end -->/g)];
    for (const [, name = "", content = ""] of measured) {
      expect(Object.keys(scripts), `${name} writes into a document`).toContain(name);
      expect(content.split("\n").filter((line) => line.startsWith("|")).length, name).toBeGreaterThan(2);
    }
    const names = measured.map(([, name]) => name);
    const measuring = Object.keys(scripts).filter((name) => /^(bench:|chaos|mutate)/.test(name));
    expect(measuring.filter((name) => !names.includes(name))).toEqual([]);
  });
});
