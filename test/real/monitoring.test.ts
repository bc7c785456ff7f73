import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import { provide } from "../../local/provide.ts";
import { PROMETHEUS } from "../../local/requirements.mjs";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { accepts, eventually, item, root, startFleet } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { asSent, impatient, QUERIES, RULES } from "../support/monitoring.ts";
import { type Prometheus, startPrometheus } from "../support/prometheus.ts";

/** Installing it takes as long as the network takes. */
const INSTALL_MS = 600_000;
const TIMES = { rate: "5s", range: "1m" };
const [ABSENT, NO_LEASE, NOT_FOLLOWING] = [
  "SoketiAppSyncAgentAbsent",
  "SoketiAppSyncNoLease",
  "SoketiAppSyncNotFollowing",
] as const;
const REFUSED = "SoketiAppSyncPreviousSecretRefused";

const keep = keeping();
const addressOf = ({ metricsPort }: SoketiNode) => `127.0.0.1:${metricsPort}`;
const isHeld = async (node: SoketiNode) => (await node.metrics()).lease_held === 1;

beforeAll(() => {
  provide(PROMETHEUS, console.log);
}, INSTALL_MS);

describe("promtool", () => {
  it.each([
    ["check rules", "alerts.yml"],
    ["test rules", "alerts.test.yml"],
    ["check rules", "relay-alerts.yml"],
    ["test rules", "relay-alerts.test.yml"],
  ])("%s %s: finds nothing wrong", (command, file) => {
    const path = join(root, "docs/monitoring", file);
    const { status, stdout, stderr } = spawnSync(PROMETHEUS.command, [...command.split(" "), path], {
      encoding: "utf8",
    });
    expect(`${stdout}${stderr}`).toContain("SUCCESS");
    expect(status).toBe(0);
  });
});

describe("a Prometheus that scrapes soketi nodes", () => {
  /** A node with the agent and one without, both scraped. */
  async function start(): Promise<{
    redis: RedisServer;
    prometheus: Prometheus;
    change: () => Promise<void>;
  }> {
    const redis = keep(await startRedis());
    const fleet = keep(
      await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: redis.url }),
    );
    await fleet.table.put(item("a"));
    // One in a rotation's overlap, and one after it.
    const now = Math.floor(Date.now() / 1_000);
    for (const [id, until] of [
      ["taken", now + 3_600],
      ["refused", now - 60],
    ] as const) {
      const previous = { AppSecretPrevious: { S: "old" }, AppSecretPreviousUntil: { N: String(until) } };
      await fleet.table.put(item(id, previous));
    }
    const [node, bare] = await Promise.all([fleet.node(), fleet.node({ agent: "" })]);
    const targets = { ours: addressOf(node), bare: addressOf(bare) };
    const prometheus = keep(
      await startPrometheus({
        targets,
        rules: impatient(RULES, [ABSENT, NO_LEASE, NOT_FOLLOWING], "1s"),
        every: "500ms",
      }),
    );
    await eventually("the lease", () => isHeld(node));
    let version = 1;
    const change = async () => {
      version += 1;
      await fleet.table.update("a", { AppSecret: { S: `a-secret-${version}` } });
      await eventually("the change", () => accepts(node, "a", `a-secret-${version}`));
      for (const id of ["taken", "refused"]) await accepts(node, id, "old");
    };
    return { redis, prometheus, change };
  }

  it("answers every query of the dashboard with data, and the alerts come and go", async () => {
    const { redis, prometheus, change } = await start();
    const firing = async () =>
      (await prometheus.alerts())
        // That is true all the time here: its test is docs/monitoring/alerts.test.yml.
        .filter(({ state, labels }) => state === "firing" && labels.alertname !== REFUSED)
        .map(({ labels }) => `${labels.alertname ?? ""} ${labels.instance ?? ""}`)
        .sort();
    const absent = `${ABSENT} bare`;

    /** Queries that have no number yet. One that Prometheus does not take throws. */
    const empty = async () => {
      const found: string[] = [];
      for (const { panel, expr, legendFormat } of QUERIES) {
        const series = await prometheus.query(asSent(expr, TIMES));
        const numbers = series.flatMap(({ values }) => values.filter(([, value]) => Number.isFinite(value)));
        if (numbers.length === 0) found.push(`${panel.title}: ${legendFormat}`);
      }
      return found;
    };
    await eventually("data for every query", async () => {
      await change();
      return (await empty()).length === 0;
    });
    await eventually("the node without the agent to be found", async () => (await firing()).includes(absent));
    expect(await firing()).toEqual([absent]);

    const { port } = redis;
    await redis.stop();
    const lost = [NO_LEASE, NOT_FOLLOWING].map((name) => `${name} ours`);
    await eventually("the alerts of a lost Redis", async () => {
      const now = await firing();
      return lost.every((name) => now.includes(name));
    });
    expect((await firing()).filter((name) => name !== absent && !lost.includes(name))).toEqual([]);
    const texts = (await prometheus.alerts()).flatMap(({ annotations }) => Object.values(annotations));
    expect(texts).toContain("ours cannot prove its apps fresh");
    expect(texts.filter((text) => /<error|<no value|\{\{/.test(text))).toEqual([]);

    keep(await startRedis({ port }));
    await eventually("the alerts to go", async () => (await firing()).join() === absent);
  });
});
