import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Redis } from "ioredis";
import Pusher from "pusher";
import { describe, expect, inject, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { nodeBinary } from "../../local/node-binary.ts";
import { connect } from "../../local/pusher-client.ts";
import { startRedis } from "../../local/redis-server.ts";
import { agentFile } from "../../local/stack.ts";
import { accepts, eventually, item, root } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { proveWorking } from "../support/prove-working.ts";
import { sharedFleet } from "../support/shared-fleet.ts";
import { temporaryFolders } from "../support/temporary-folders.ts";

const soketiRoot = dirname(createRequire(import.meta.url).resolve("@soketi/soketi/package.json"));

const temporaryFolder = temporaryFolders("where");
const keep = keeping();
const fleet = sharedFleet();

describe("Node", () => {
  for (const major of ["16", "18", "20"]) {
    it(`${major} runs soketi with the built agent`, async (context) => {
      const node = nodeBinary(major);
      if (node === undefined) {
        context.skip();
        return;
      }
      const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout;
      expect(version).toMatch(new RegExp(`^v${major}\\.`));
      await proveWorking(fleet, keep(await fleet.node({ node })), `node-${major}`);
    });
  }
});

describe("a process that is not soketi", () => {
  const prettier = () => {
    // In a folder of its own, with nothing of ours above it.
    const folder = join(temporaryFolder(), "prettier");
    cpSync(join(root, "node_modules/prettier"), folder, { recursive: true });
    return [join(folder, "bin/prettier.cjs"), "--version"];
  };

  it.each([
    ["a one-liner", "20", () => ["-e", "console.log('hello')"]],
    ["a one-liner on Node 16", "16", () => ["-e", "console.log('hello')"]],
    ["another package's script", "20", prettier],
    ["another package's script on Node 16", "16", prettier],
    ["a program that requires soketi", "20", () => ["-p", "!!require('@soketi/soketi').Server"]],
    ["npm", "npm", () => ["--version"]],
  ])("%s runs as if the agent were not there", (_, what, argsOf) => {
    const command = what === "npm" ? what : nodeBinary(what);
    if (command === undefined) return;
    const args = argsOf();
    // The SDK of soketi prints its age, with the process id.
    const quiet = { AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: "1" };
    const env = { PATH: process.env.PATH, HOME: temporaryFolder(), ...quiet };
    const run = (more: Record<string, string>) => {
      // A handle that the agent left open would keep the process: it is killed then, and has no status.
      const options = { encoding: "utf8", cwd: root, timeout: 120_000, env: { ...env, ...more } } as const;
      const { status, stdout, stderr } = spawnSync(command, args, options);
      return { status, stdout, stderr };
    };
    const without = run({});
    expect(without.status).toBe(0);
    expect(run({ NODE_OPTIONS: `--require "${agentFile}"` })).toEqual(without);
  });
});

describe("soketi's end", () => {
  it("a graceful stop closes clients with 4200, and the process ends by itself", async () => {
    const redis = keep(await startRedis());
    const watcher = new Redis(redis.url);
    const clients = async () => String(await watcher.client("LIST")).match(/^id=/gm)?.length;
    const node = keep(await fleet.node({ redisUrl: redis.url }));
    await eventually("the agent's two connections", async () => (await clients()) === 3);
    await fleet.table.put(item("graceful"));
    await eventually("the app", () => accepts(node, "graceful", "graceful-secret"));
    const connection = await connect({ port: node.port, key: "graceful-key" });
    node.child.signal("SIGTERM");
    expect(await connection.error).toBe(4200);
    connection.disconnect();
    expect(await node.child.exited).toBe("ended with exit code 0");
    await eventually("no connection but this", async () => (await clients()) === 1);
    await watcher.quit();
  });

  it("a soketi that fails while it starts ends as it does without the agent", async () => {
    const nats = `["127.0.0.1:${await freePort()}"]`;
    const env = { SOKETI_ADAPTER_DRIVER: "nats", SOKETI_NATS_SERVERS: nats };
    const how = /ended with exit code 7 before it was ready/;
    await expect(fleet.node({ env, agent: "" })).rejects.toThrow(how);
    await expect(fleet.node({ env })).rejects.toThrow(how);
  });
});

describe("soketi's own ways", () => {
  it.each(["redis", "cluster"])("its %s adapter: events and closes reach both nodes", async (driver) => {
    const env = {
      SOKETI_ADAPTER_DRIVER: driver,
      SOKETI_DB_REDIS_PORT: new URL(inject("redisUrl")).port,
      SOKETI_DB_REDIS_KEY_PREFIX: "own:",
      // The same for both: it is where nodes of a cluster look for each other.
      SOKETI_CLUSTER_PORT: String(await freePort()),
    };
    const nodes = [keep(await fleet.node({ env })), keep(await fleet.node({ env }))] as const;
    const id = `adapter-${driver}`;
    await fleet.table.put(item(id));
    for (const node of nodes) await eventually("the app", () => accepts(node, id, `${id}-secret`));
    const clients = await Promise.all(nodes.map((node) => connect({ port: node.port, key: `${id}-key` })));
    const heard = new Set<number>();
    for (const [index, client] of clients.entries()) {
      const channel = await client.subscribe("news");
      channel.bind("headline", () => heard.add(index));
    }
    const keys = { appId: id, key: `${id}-key`, secret: `${id}-secret` };
    const backend = new Pusher({ ...keys, host: "127.0.0.1", port: `${nodes[0].port}`, useTLS: false });
    // Nodes of a cluster find each other a moment after they started.
    await eventually("the event on both nodes", async () => {
      await backend.trigger("news", "headline", { text: driver });
      return heard.size === 2;
    });
    await fleet.table.update(id, { Enabled: { BOOL: false } });
    expect(await Promise.all(clients.map(({ error }) => error))).toEqual([4003, 4003]);
    for (const client of clients) client.disconnect();
  });

  it.each([
    ["fork", []],
    ["cluster", ["-i", "1"]],
  ])("soketi-pm2 in pm2's %s mode gets the agent", async (mode, flags) => {
    const manifest = createRequire(join(soketiRoot, "package.json")).resolve("pm2/package.json");
    const bin = join(soketiRoot, "bin", "pm2.js");
    const node = await fleet.node({
      script: join(dirname(manifest), "bin", "pm2-runtime"),
      args: ["start", bin, "--name", `soketi-${mode}`, ...flags, "--", "start"],
      env: { PM2_HOME: temporaryFolder() },
    });
    await proveWorking(fleet, keep(node), `pm2-${mode}`);
  });
});
