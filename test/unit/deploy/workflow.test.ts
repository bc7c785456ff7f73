import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { root } from "../../support/fleet.ts";

const read = (file: string) => readFileSync(join(root, file), "utf8");
const content = read(".github/workflows/release.yml");

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
interface Job {
  readonly needs?: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
const { permissions, jobs } = parse(content) as {
  permissions: object;
  jobs: Readonly<Record<"gate" | "publish" | "site", Job>>;
};
const steps = Object.values(jobs).flatMap((job) => job.steps);
const commands = steps.flatMap(({ run }) => run ?? []);

/** What GitHub would say to it. */
const faults = (text: string, name = "release.yml") =>
  parseWorkflow({ name, content: text }, new NoOperationTraceWriter())
    .context.errors.getErrors()
    .map(({ message }) => message);

describe("the workflow of each push", () => {
  const pushed = read(".github/workflows/ci.yml");
  const ci = parse(pushed) as {
    permissions: object;
    jobs: Readonly<Record<string, Job & { strategy?: { matrix: { node: string[] } } }>>;
  };
  const runsOf = (job: string) => (ci.jobs[job]?.steps ?? []).flatMap(({ run }) => run ?? []).join("\n");

  it("is one by GitHub's own parser", () => {
    expect(faults(pushed, "ci.yml")).toEqual([]);
    expect(faults(pushed.replaceAll("runs-on:", "run-on:"), "ci.yml")).not.toEqual([]);
  });

  it("runs the gate, and README's two commands on each Node that is supported", () => {
    expect(runsOf("gate")).toContain(".ci/run");
    expect(ci.jobs.commands?.strategy?.matrix.node).toEqual(["20", "22", "24"]);
    for (const command of ["npm start -- --once", "npm test"]) expect(runsOf("commands")).toContain(command);
    expect(runsOf("macos")).toContain("npm start -- --once");
  });

  it("may read the code and no more, and takes actions by their commit alone", () => {
    expect(ci.permissions).toEqual({});
    for (const job of Object.values(ci.jobs)) {
      expect(job.permissions).toEqual({ contents: "read" });
      const used = job.steps.flatMap(({ uses }) => uses ?? []);
      expect(used.filter((action) => !/^actions\/[\w-]+@[0-9a-f]{40}$/.test(action))).toEqual([]);
    }
  });
});

describe("the release workflow", () => {
  it("is one by GitHub's own parser", () => {
    expect(faults(content)).toEqual([]);
  });

  it.each([
    ["a key that there is not", "runs-on:", "run-on:"],
    ["a permission that there is not", "id-token:", "id-tokens:"],
    ["a context that there is not", "github.token", "githubs.token"],
  ])("and would not be with %s", (_, from, to) => {
    expect(content).toContain(from);
    expect(faults(content.replaceAll(from, to))).not.toEqual([]);
  });

  it("takes actions by their commit alone", () => {
    const used = steps.flatMap(({ uses }) => uses ?? []);
    expect(used.length).toBeGreaterThan(3);
    expect(used.filter((action) => !/^actions\/[\w-]+@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });

  it("publishes with provenance, after the gate, and may do no more than that takes", () => {
    expect(permissions).toEqual({});
    expect(jobs.gate.permissions).toEqual({ contents: "read" });
    expect(jobs.publish).toMatchObject({
      needs: "gate",
      permissions: { contents: "write", "id-token": "write" },
    });
    expect(jobs.gate.steps.some(({ run }) => run?.includes(".ci/run"))).toBe(true);
    expect(commands.find((command) => command.startsWith("npm publish"))).toMatch(
      /--provenance --access public$/,
    );
    expect(content).not.toContain("secrets.");
  });

  it("deploys the site that it builds, after the gate, and may do no more than that takes", () => {
    expect(jobs.site).toMatchObject({
      needs: "gate",
      permissions: { contents: "read", pages: "write", "id-token": "write" },
    });
    expect(content).toContain("path: .vitepress/dist\n");
  });

  it("runs scripts that there are, and attaches what a release has", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = commands.flatMap((command) =>
      [...command.matchAll(/npm run ([\w:]+)/g)].map(([, name = ""]) => name),
    );
    expect(named).toEqual(["release", "site"]);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    expect(existsSync(join(root, ".ci/run"))).toBe(true);
    const attached = commands.join("\n").match(/release\/[\w.*/-]+/g) ?? [];
    const rows = [...read("docs/release.md").matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = ""]) =>
      name.replace(/\/$/, "").replace("<name>-<digest>", "*").replace("<version>", "*"),
    );
    for (const row of rows.filter((name) => !["containers", "terraform"].includes(name))) {
      expect(attached).toContain(`release/${row}`);
    }
    expect(commands.join("\n")).toContain("-C release containers\n");
    // The module reads what stands beside it.
    expect(commands.join("\n")).toContain("-C release terraform cloudformation.json functions\n");
    for (const folder of ["containers", "terraform"])
      expect(commands.join("\n").split(`${folder}.tar.gz`).length, folder).toBe(4);
  });
});
