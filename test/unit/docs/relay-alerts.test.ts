import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { RelayState } from "../../../src/relay/state.ts";
import { createRelayTelemetry } from "../../../src/relay/telemetry.ts";
import { itHoldsOfRules } from "../../support/alert-rules.ts";
import { RELAY_ALERTS, RELAY_RULE_TESTS } from "../../support/monitoring.ts";

const page = readFileSync(new URL("../../../docs/relay.md", import.meta.url), "utf8");
let exposed: string;

beforeAll(async () => {
  const health = () => ({ status: "standby", table: "apps", shards: 0 }) as const;
  exposed = await createRelayTelemetry(new RelayState(() => 0), health).metrics();
});

describe("docs/monitoring/relay-alerts.yml", () => {
  itHoldsOfRules({
    alerts: RELAY_ALERTS,
    tests: RELAY_RULE_TESTS,
    testFile: "relay-alerts.test.yml",
    isMetric: (name) => exposed.includes(`# TYPE ${name} `),
    runbook: () => "docs/relay.md#alerts",
  });
});

describe("docs/relay.md", () => {
  it("has a row for each alert with its severity, and for no other", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("| `SoketiAppSyncRelay"));
    const found = rows.flatMap((row) => {
      const severity = /\((critical|warning|info)\)/.exec(row)?.[1];
      return [...row.matchAll(/`(SoketiAppSyncRelay\w+)`/g)].map(([, name]) => `${name} ${severity}`);
    });
    expect(found.sort()).toEqual(RELAY_ALERTS.map(({ alert, labels }) => `${alert} ${labels.severity}`).sort());
  });
});
