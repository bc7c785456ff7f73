import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";

const require = createRequire(import.meta.url);
const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");

type Part = (sources: object) => Promise<{ Resources: Record<string, { Properties: Record<string, unknown> }> }>;
const alarms = require("../../../deploy/alarms.cjs") as Part;
const dashboard = require("../../../deploy/dashboard.cjs") as Part;
const { PARAMETERS } = require("../../../deploy/parameters.cjs") as {
  PARAMETERS: Record<string, { default: string }>;
};

/** With everything on. */
const sources = {
  options: { param: ["redisUrl=redis://cache", "sharedCache=refresh"] },
  resolveVariable: (name: string) => Promise.resolve(name === "sls:stage" ? "prod" : "eu-west-1"),
};
const ALARMS = Object.values((await alarms(sources)).Resources).map(({ Properties }) => Properties);
const entries = read("docs/reference/alarms.md");
/** The entry below each heading, by the heading. */
const runbook = new Map(
  entries.split(/^### /m).slice(1).map((entry) => [entry.split("\n")[0] ?? "", entry]), // prettier-ignore
);
const documented = [...read("docs/reference/metrics.md").matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name);

/** Names of our own metrics in a template's part. */
const oursIn = (part: unknown) =>
  [...JSON.stringify(part).matchAll(/"Namespace":"soketi-app-sync","MetricName":"(\w+)"/g)].map(([, name = ""]) => name);

describe("the references of the pipeline", () => {
  it("has an entry for each alarm, and for no other", () => {
    const names = ALARMS.map(({ AlarmName }) => String(AlarmName).replace("soketi-app-sync-prod-", ""));
    expect(names.length).toBeGreaterThan(15);
    expect([...runbook.keys()].sort()).toEqual(names.sort());
  });

  it("says in each entry what it means, where to look, what to do", () => {
    for (const [name, entry] of runbook) {
      for (const part of [/\*\*Means\*\*/, /\*\*Look at\*\*/, /\*\*[Dd]o\*\*/]) expect(entry, name).toMatch(part);
    }
  });

  it("is where each alarm's description leads", () => {
    for (const { AlarmName, AlarmDescription } of ALARMS) {
      const [, anchor = ""] = /docs\/reference\/alarms\.md#(\w+)$/.exec(String(AlarmDescription)) ?? [];
      expect([...runbook.keys()].map((name) => name.toLowerCase())).toContain(anchor);
      expect(String(AlarmName).toLowerCase()).toMatch(new RegExp(`-${anchor}$`));
    }
  });

  it("explains each metric that the functions write", () => {
    const source = read("src/lambda/powertools.ts") + read("src/lambda/reporters.ts");
    const written = [...source.matchAll(/(?:count\(meter, |(?:addMetric|count|milliseconds)\()"(\w+)"/g)].map(([, name = ""]) => name);
    expect(written.length).toBeGreaterThan(7);
    expect(written.filter((name) => !documented.includes(name))).toEqual([]);
  });

  it("explains each metric on the dashboard, and each that an alarm watches", async () => {
    const body = JSON.stringify((await dashboard(sources)).Resources);
    const shown = [...body.matchAll(/\[\\+"soketi-app-sync\\+",\\+"(\w+)\\+"/g)].map(([, name = ""]) => name);
    expect(shown.length).toBeGreaterThan(10);
    const watched = oursIn(ALARMS);
    expect(watched.length).toBeGreaterThan(5);
    expect([...shown, ...watched].filter((name) => !documented.includes(name))).toEqual([]);
  });
});

describe("docs/reference/deployment.md", () => {
  it("has each parameter with its default, and no other", () => {
    const text = read("docs/reference/deployment.md");
    const parameters = text.slice(text.indexOf("## Parameters"), text.indexOf("## Who may do what"));
    const rows = [...parameters.matchAll(/^\| `(\w+)` \|([^|]*)\|/gm)].map(([, name = "", value = ""]) => [name, value.trim()]);
    const known = Object.entries(PARAMETERS).map(([name, { default: byDefault }]) => [name, byDefault]);
    expect(rows.sort()).toEqual(known.sort());
  });
});
