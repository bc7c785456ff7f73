import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { expect, inject, it } from "vitest";
import { type Child, startChild } from "../../local/child.ts";
import { freePort } from "../../local/free-port.ts";
import { soketiNode } from "../../local/node-binary.ts";
import { connect } from "../../local/pusher-client.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { agentFile } from "../../local/stack.ts";
import { accepts, eventually, item, root } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { sharedFleet } from "../support/shared-fleet.ts";

const keep = keeping();
const fleet = sharedFleet();

/** Starts test/support/embedded.cjs. */
async function startEmbedded(port: number, redisUrl: string): Promise<Child> {
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
  return startChild({
    name: "embedded soketi",
    command: soketiNode(),
    args: ["test/support/embedded.cjs", agentFile],
    cwd: root,
    env: {
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      REDIS_URL: redisUrl,
      APP_SYNC_PREFIX: fleet.prefix,
      SOKETI_OPTIONS: JSON.stringify(options),
    },
    ready: ({ output }) => Promise.resolve(output().includes("embedded soketi is up")),
  });
}

it("attach takes a server that is not started, once, and nothing else", async () => {
  const port = await freePort();
  const child = keep(await startEmbedded(port, inject("redisUrl")));
  const lines = child.output();
  expect(lines).toContain("an object: TypeError: attach: expected a Server of @soketi/soketi");
  expect(lines).toContain("\na server: taken");
  expect(lines).toContain("the same server: TypeError: attach: expected a Server without an agent");
  expect(lines).toContain("a started server: TypeError: attach: expected a Server that is not started");
  expect(lines.match(/attached to soketi/g)).toHaveLength(1);

  await fleet.table.put(item("embedded"));
  const node = { port } as SoketiNode;
  await eventually("the app", () => accepts(node, "embedded", "embedded-secret"));
  const connection = await connect({ port, key: "embedded-key" });
  await fleet.table.update("embedded", { Enabled: { BOOL: false } });
  expect(await connection.error).toBe(4003);
  connection.disconnect();
});

it("a server that is stopped leaves no connection of the agent, while the program goes on", async () => {
  const redis = keep(await startRedis());
  const watcher = new Redis(redis.url);
  const clients = async () => String(await watcher.client("LIST")).match(/^id=/gm)?.length;
  const child = keep(await startEmbedded(await freePort(), redis.url));
  await eventually("the agent's two connections", async () => (await clients()) === 3);
  process.kill(child.pid, "SIGUSR2");
  await eventually("the stop", () => Promise.resolve(child.output().includes("embedded soketi is stopped")));
  await eventually("no connection but this", async () => (await clients()) === 1);
  expect(process.kill(child.pid, 0)).toBe(true);
  await watcher.quit();
});

it("an ES module imports it by the package's name", () => {
  const program = `
    import { attach } from "soketi-app-sync/agent";
    import { Server } from "@soketi/soketi";
    attach(new Server({}));
    console.log("attached");`;
  const args = ["--input-type=module", "-e", program];
  const { stdout, stderr } = spawnSync(soketiNode(), args, { cwd: root, encoding: "utf8" });
  expect(stdout, stderr).toBe("attached\n");
});

it("TypeScript finds its types, from an ES module and from CommonJS", () => {
  const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-types-"));
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules", "soketi-app-sync"));
    const right = 'import { attach } from "soketi-app-sync/agent";\nattach({});\n';
    writeFileSync(join(folder, "right.mts"), right);
    writeFileSync(join(folder, "right.cts"), right);
    writeFileSync(join(folder, "wrong.mts"), right.replace("{}", '"a port"'));
    const tsc = (...files: string[]) => {
      const compiler = join(root, "node_modules/typescript/bin/tsc");
      const args = [compiler, "--noEmit", "--strict", "--module", "nodenext", ...files];
      return spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" }).stdout;
    };
    expect(tsc("right.mts", "right.cts")).toBe("");
    expect(tsc("wrong.mts")).toMatch(/^wrong\.mts\(2,8\): error TS2345/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
