import { mkdtemp, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { IMAGE_PULL_MS, inDocker } from "./docker.ts";
import { assertFree, freePort } from "./free-port.ts";

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly child: Child;
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  readonly port?: number | undefined;
  /** Added to its command line, `--name value`. */
  readonly args?: readonly string[] | undefined;
  /** A Docker image, where there is no redis-server on PATH. */
  readonly image?: string | undefined;
}

/** A real Redis without persistence, on the loopback interface. */
export async function startRedis({
  args = [],
  image,
  ...options
}: RedisServerOptions = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  await assertFree(port, "stop what uses it, or choose another");
  const folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-redis-"));
  const quiet = ["--save", "", "--appendonly", "no", ...args];
  const start =
    image === undefined
      ? {
          command: "redis-server",
          args: ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, ...quiet],
        }
      : inDocker(image, `${port}:6379`, ["redis-server", ...quiet]);
  const child = await startChild({
    name: "redis-server",
    ...start,
    ready: () => answersPing(port),
    readyWithinMs: image === undefined ? 60_000 : IMAGE_PULL_MS,
  });
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    child,
    async stop() {
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Any answer will do: a Redis with a password says NOAUTH, and is up. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.setTimeout(1_000, () => socket.destroy(new Error("no answer to PING")));
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", reject);
  });
}
