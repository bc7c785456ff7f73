import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Redis } from "ioredis";
import Pusher from "pusher";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { startChild } from "../../src/local/child.ts";
import { freePort } from "../../src/local/ports.ts";
import { connect } from "../../src/local/pusher-client.ts";
import { startRedis } from "../../src/local/redis-server.ts";
import type { SoketiNode } from "../../src/local/soketi-node.ts";
import { agentFile } from "../../src/local/stack.ts";
import {
  accepts,
  eventually,
  type Fleet,
  item,
  outcomeOfConnecting,
  root,
  startFleet,
} from "../support/fleet.ts";
import { nodeBinary } from "../support/node-versions.ts";

const soketiRoot = dirname(createRequire(import.meta.url).resolve("@soketi/soketi/package.json"));
const folders: string[] = [];
let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
});

afterAll(async () => {
  await fleet.stop();
});

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-where-"));
  folders.push(folder);
  return folder;
}

/** The whole job on one node: an app is disabled under a connection, and enabled again. */
async function proveWorking(node: SoketiNode, id: string): Promise<void> {
  await fleet.table.put(item(id));
  await eventually(`app ${id}`, () => accepts(node, id, `${id}-secret`));
  const connection = await connect({ port: node.port, key: `${id}-key` });
  await fleet.table.update(id, { Enabled: { S: "off" } });
  expect(await connection.error).toBe(4003);
  await fleet.table.update(id, { Enabled: { BOOL: true } });
  await eventually("connections", async () => (await outcomeOfConnecting(node, `${id}-key`)) === "connected");
  await eventually("the lease", async () => (await node.metrics()).lease_held === 1);
}

describe("Node", () => {
  for (const major of ["16", "18", "20"]) {
    it(`${major} runs soketi with the built agent`, async (context) => {
      const binary = nodeBinary(major);
      if (binary === undefined) {
        context.skip(`no Node ${major} from npm for this platform: set SOKETI_TEST_NODE_${major}`);
        return;
      }
      await proveWorking(await fleet.node({ node: binary }), `node-${major}`);
    });
  }
});

describe("a process that is not soketi", () => {
  it.each([
    ["a one-liner", process.execPath, ["-e", "console.log('hello')"]],
    [
      "another package's script",
      process.execPath,
      [join(root, "node_modules/prettier/bin/prettier.cjs"), "--version"],
    ],
    ["npm", "npm", ["--version"]],
  ])("%s runs as if the agent were not there", (_, command, args) => {
    const env = { PATH: process.env.PATH, HOME: temporaryFolder() };
    const without = spawnSync(command, args, { encoding: "utf8", env });
    const options = { ...env, NODE_OPTIONS: `--require "${agentFile}"` };
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env: options });
    expect(status).toBe(0);
    expect({ stdout, stderr }).toEqual({ stdout: without.stdout, stderr: without.stderr });
  });
});

describe("a soketi that is not known", () => {
  /** A copy whose own files can be changed; its dependencies are the installed ones. */
  function copyOfSoketi(change: (folder: string) => void): string {
    const folder = join(temporaryFolder(), "soketi");
    cpSync(soketiRoot, folder, {
      recursive: true,
      filter: (file) => !file.includes(`${soketiRoot}/node_modules`),
    });
    symlinkSync(join(root, "node_modules"), join(dirname(folder), "node_modules"));
    symlinkSync(join(soketiRoot, "node_modules"), join(folder, "node_modules"));
    change(folder);
    return join(folder, "bin", "server.js");
  }

  function edit(file: string, from: string | RegExp, to: string): void {
    const before = readFileSync(file, "utf8");
    const after = before.replaceAll(from, to);
    if (after === before) throw new Error(`expected ${String(from)} in ${file}, found none`);
    writeFileSync(file, after);
  }

  it("of another version gets a warning, and the agent", async () => {
    const script = copyOfSoketi((folder) => {
      edit(join(folder, "package.json"), '"version": "1.6.1"', '"version": "1.9.0"');
    });
    const node = await fleet.node({ script });
    expect(node.child.output()).toContain("soketi 1.9.0 is unknown to this agent");
    await proveWorking(node, "newer");
  });

  it("without a hook that is needed runs untouched, and says so", async () => {
    const script = copyOfSoketi((folder) => {
      edit(join(folder, "dist", "server.js"), "setQueueManager", "putQueueManager");
    });
    await fleet.table.put(item("untouched"));
    const node = await fleet.node({ script });
    expect(node.child.output()).toMatch(
      /not attached, soketi runs without the agent: .*server\.setQueueManager/,
    );
    expect(await outcomeOfConnecting(node, "untouched-key")).toBe("connected");
    expect(await node.metrics()).toEqual({});
  });

  it("that lacks a whole module starts all the same", async () => {
    const script = copyOfSoketi((folder) => {
      edit(join(folder, "dist", "log.js"), "exports.Log = Log;", "exports.Log = Log; exports.moved = true;");
      writeFileSync(join(folder, "dist", "app.cjs"), readFileSync(join(folder, "dist", "app.js")));
      rmSync(join(folder, "dist", "app.js"));
      for (const file of [
        "index.js",
        "webhook-sender.js",
        "app-managers/app-manager.js",
        "app-managers/array-app-manager.js",
        "app-managers/dynamodb-app-manager.js",
        "app-managers/sql-app-manager.js",
      ]) {
        edit(
          join(folder, "dist", file),
          /(require\("|__exportStar\(require\(")(\.\.?\/(?:\.\.\/)?app)"/g,
          '$1$2.cjs"',
        );
      }
    });
    const node = await fleet.node({ script });
    expect(node.child.output()).toMatch(
      /app-sync: not attached, soketi runs without the agent: Cannot find module/,
    );
  });

  it("with a wrong configuration runs without the agent, and lists every mistake", async () => {
    const node = await fleet.node({ env: { APP_SYNC_LEASE_MS: "abc", APP_SYNC_CLOSE_ON: "never" } });
    expect(node.child.output()).toMatch(/not attached[^]*APP_SYNC_LEASE_MS[^]*APP_SYNC_CLOSE_ON/);
    await fleet.table.put(item("misconfigured"));
    expect(await outcomeOfConnecting(node, "misconfigured-key")).toBe("connected");
  });
});

describe("soketi's own ways", () => {
  it("a graceful stop closes the agent's connections, and the process ends by itself", async () => {
    const redis = await startRedis();
    const watcher = new Redis(redis.url);
    const clients = async () =>
      String(await watcher.client("LIST"))
        .trim()
        .split("\n").length;
    const node = await fleet.node({ redisUrl: redis.url });
    await eventually("the agent's two connections", async () => (await clients()) === 3);
    await fleet.table.put(item("graceful"));
    await eventually("the app", () => accepts(node, "graceful", "graceful-secret"));
    const connection = await connect({ port: node.port, key: "graceful-key" });
    node.child.signal("SIGTERM");
    expect(await connection.error).toBe(4200);
    connection.disconnect();
    expect(await node.child.exited).toBe("ended with exit code 0");
    expect(await clients()).toBe(1);
    await watcher.quit();
    await redis.stop();
  });

  it.each(["redis", "cluster"])(
    "its %s adapter carries events between nodes, and closes follow on both",
    async (driver) => {
      const { port } = new URL(inject("redisUrl"));
      const cluster =
        driver === "cluster"
          ? { SOKETI_CLUSTER_PORT: String(await freePort()), SOKETI_CLUSTER_PREFIX: "t" }
          : {};
      const env = {
        SOKETI_ADAPTER_DRIVER: driver,
        SOKETI_DB_REDIS_PORT: port,
        SOKETI_DB_REDIS_KEY_PREFIX: "own:",
        ...cluster,
      };
      const nodes = await Promise.all([fleet.node({ env }), fleet.node({ env })]);
      const id = `adapter-${driver}`;
      await fleet.table.put(item(id));
      for (const node of nodes) await eventually("the app", () => accepts(node, id, `${id}-secret`));
      const clients = await Promise.all(nodes.map((node) => connect({ port: node.port, key: `${id}-key` })));
      const heard = clients.map(
        (client) =>
          new Promise((resolve) => {
            client.client.bind("headline", resolve);
          }),
      );
      for (const client of clients) await client.subscribe("news");
      const backend = new Pusher({
        appId: id,
        key: `${id}-key`,
        secret: `${id}-secret`,
        host: "127.0.0.1",
        port: `${nodes[0].port}`,
        useTLS: false,
      });
      // Nodes of a cluster find each other a moment after they started.
      const both = Promise.all(heard).then(() => true);
      await eventually("the event on both nodes", async () => {
        await backend.trigger("news", "headline", { text: driver });
        return Promise.race([both, new Promise<boolean>((resolve) => setTimeout(resolve, 100, false))]);
      });
      await fleet.table.update(id, { Enabled: { BOOL: false } });
      expect(await Promise.all(clients.map(({ error }) => error))).toEqual([4003, 4003]);
    },
  );

  it.each([
    ["fork", []],
    ["cluster", ["-i", "1"]],
  ])("soketi-pm2 in pm2's %s mode gets the agent", async (mode, flags) => {
    const pm2 = join(
      dirname(createRequire(`${soketiRoot}/x`).resolve("pm2/package.json")),
      "bin",
      "pm2-runtime",
    );
    const script = join(soketiRoot, "bin", "pm2.js");
    const node = await fleet.node({
      script: pm2,
      args: ["start", script, "--name", `soketi-${mode}`, ...flags, "--", "start"],
      env: { PM2_HOME: temporaryFolder() },
    });
    await proveWorking(node, `pm2-${mode}`);
  });

  it("embedding: attach takes a server that is not started, and nothing else", async () => {
    const port = await freePort();
    const options = {
      port,
      host: "127.0.0.1",
      "metrics.enabled": true,
      "metrics.port": await freePort(),
      "cluster.port": await freePort(),
      shutdownGracePeriod: 100,
      "appManager.driver": "dynamodb",
      "appManager.dynamodb.table": fleet.table.name,
      "appManager.dynamodb.endpoint": inject("dynamodbEndpoint"),
    };
    const child = await startChild({
      name: "embedded soketi",
      command: process.execPath,
      args: ["test/support/embedded.cjs", agentFile],
      cwd: root,
      env: {
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        REDIS_URL: inject("redisUrl"),
        APP_SYNC_PREFIX: fleet.prefix,
        SOKETI_OPTIONS: JSON.stringify(options),
      },
      ready: ({ output }) => Promise.resolve(output().includes("embedded soketi is up")),
    });
    expect(child.output()).toContain("an object: TypeError: attach: expected a Server of @soketi/soketi");
    expect(child.output()).toContain("a server: taken");
    expect(child.output()).toContain(
      "a started server: TypeError: attach: expected a Server that is not started yet",
    );
    await fleet.table.put(item("embedded"));
    const node = { port } as SoketiNode;
    await eventually("the app", () => accepts(node, "embedded", "embedded-secret"));
    const connection = await connect({ port, key: "embedded-key" });
    await fleet.table.update("embedded", { Enabled: { BOOL: false } });
    expect(await connection.error).toBe(4003);
    await child.stop();
    expect(await child.exited).toBe("ended with exit code 0");
  });
});
