import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { item, outcomeOfConnecting, root } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { proveWorking } from "../support/prove-working.ts";
import { sharedFleet } from "../support/shared-fleet.ts";
import { temporaryFolders } from "../support/temporary-folders.ts";

const soketiRoot = dirname(createRequire(import.meta.url).resolve("@soketi/soketi/package.json"));

const temporaryFolder = temporaryFolders("unknown");
const keep = keeping();
const fleet = sharedFleet();

/** The script of a copy whose own files can be changed; its dependencies are the installed ones. */
function copyOfSoketi(change: (folder: string) => void): string {
  const parent = temporaryFolder();
  const folder = join(parent, "soketi");
  const dependencies = join(soketiRoot, "node_modules");
  cpSync(soketiRoot, folder, { recursive: true, filter: (file) => !file.startsWith(dependencies) });
  symlinkSync(join(root, "node_modules"), join(parent, "node_modules"));
  symlinkSync(dependencies, join(folder, "node_modules"));
  change(folder);
  return join(folder, "bin", "server.js");
}

function edit(file: string, from: string, to: string): void {
  const before = readFileSync(file, "utf8");
  if (!before.includes(from)) throw new Error(`expected ${from} in ${file}, found none`);
  writeFileSync(file, before.replaceAll(from, to));
}

it("a soketi of another version gets a warning, and the agent", async () => {
  const script = copyOfSoketi((folder) => {
    edit(join(folder, "package.json"), '"version": "1.6.1"', '"version": "1.9.0"');
  });
  const node = keep(await fleet.node({ script }));
  expect(node.child.output()).toContain("soketi 1.9.0 is unknown to this agent");
  await proveWorking(fleet, node, "newer");
});

it("a soketi without a hook that is needed runs untouched, and says so", async () => {
  const script = copyOfSoketi((folder) => {
    edit(join(folder, "dist", "server.js"), "setQueueManager", "putQueueManager");
  });
  await fleet.table.put(item("untouched"));
  const node = keep(await fleet.node({ script }));
  expect(node.child.output()).toMatch(
    /not attached, soketi runs without the agent: .*server\.setQueueManager/,
  );
  expect(await outcomeOfConnecting(node, "untouched-key")).toBe("connected");
  expect(await node.metrics()).toEqual({});
});

it("a soketi without a hook does not start where the agent is required", async () => {
  const script = copyOfSoketi((folder) => {
    edit(join(folder, "dist", "server.js"), "setQueueManager", "putQueueManager");
  });
  await expect(fleet.node({ script, env: { APP_SYNC_REQUIRED: "on" } })).rejects.toThrow(
    /exit code 1 before it was ready[^]*APP_SYNC_REQUIRED is on.*server\.setQueueManager/,
  );
});

it("a fork with another name gets a warning, and the agent", async () => {
  const script = copyOfSoketi((folder) => {
    edit(join(folder, "package.json"), '"name": "@soketi/soketi"', '"name": "reborn"');
  });
  const node = keep(await fleet.node({ script }));
  expect(node.child.output()).toContain("reborn 1.6.1 is a fork of soketi");
  expect(node.child.output()).toContain("attached to reborn 1.6.1");
  await proveWorking(fleet, node, "fork");
});

it("a fork of another shape runs untouched and says so, and gets the agent by APP_SYNC_SOKETI_ROOT", async () => {
  const move = (folder: string) => {
    edit(join(folder, "package.json"), '"name": "@soketi/soketi"', '"name": "reborn"');
    mkdirSync(join(folder, "build"));
    renameSync(join(folder, "dist"), join(folder, "build", "dist"));
    edit(join(folder, "bin", "server.js"), "../dist/", "../build/dist/");
  };
  await fleet.table.put(item("moved-fork"));
  const script = copyOfSoketi(move);
  const untouched = keep(await fleet.node({ script }));
  expect(untouched.child.output()).toMatch(
    /not attached, soketi runs without the agent: expected soketi, found the package "reborn".*APP_SYNC_SOKETI_ROOT/,
  );
  expect(await outcomeOfConnecting(untouched, "moved-fork-key")).toBe("connected");
  expect(await untouched.metrics()).toEqual({});
  const node = keep(
    await fleet.node({ script, env: { APP_SYNC_SOKETI_ROOT: join(dirname(dirname(script)), "build") } }),
  );
  expect(node.child.output()).toContain("attached to reborn 1.6.1");
  await proveWorking(fleet, node, "moved-fork-given");
});

it("a soketi that lacks a whole module runs untouched, and says so", async () => {
  const script = copyOfSoketi((folder) => {
    // All that runs is there, but the log is not where the agent knows it.
    const dist = join(folder, "dist");
    for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".js")) continue;
      const text = readFileSync(join(dist, file), "utf8");
      writeFileSync(join(dist, file), text.replaceAll('/log")', '/moved-log")'));
    }
    renameSync(join(dist, "log.js"), join(dist, "moved-log.js"));
  });
  await fleet.table.put(item("moved"));
  const node = keep(await fleet.node({ script }));
  expect(node.child.output()).toMatch(/not attached, soketi runs without the agent: Cannot find module/);
  expect(await outcomeOfConnecting(node, "moved-key")).toBe("connected");
  expect(await node.metrics()).toEqual({});
});

it("a soketi that has a metric of the agent's name runs with the agent, and says so", async () => {
  const script = copyOfSoketi((folder) => {
    const clash = '{ name: "soketi_app_sync_lease_held", help: "-", registers: [this.register] }';
    const driver = join(folder, "dist", "metrics", "prometheus-metrics-driver.js");
    edit(driver, "this.registerMetrics();", `this.registerMetrics(); new prom.Gauge(${clash});`);
  });
  await fleet.table.put(item("clash"));
  const node = keep(await fleet.node({ script }));
  expect(node.child.output()).toMatch(/app-sync: not all metrics are on \/metrics.*already.*registered/);
  expect(await outcomeOfConnecting(node, "clash-key")).toBe("connected");
});

it("a wrong configuration: soketi runs without the agent, and every mistake is listed", async () => {
  const env = { APP_SYNC_LEASE_MS: "abc", APP_SYNC_CLOSE_ON: "never" };
  const node = keep(await fleet.node({ env }));
  expect(node.child.output()).toMatch(/not attached[^]*APP_SYNC_LEASE_MS[^]*APP_SYNC_CLOSE_ON/);
  await fleet.table.put(item("misconfigured"));
  expect(await outcomeOfConnecting(node, "misconfigured-key")).toBe("connected");
  expect(await node.metrics()).toEqual({});
});
