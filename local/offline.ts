import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";

export interface Offline {
  readonly child: Child;
  stop(): Promise<void>;
}

export interface OfflineOptions {
  readonly redisUrl: string;
  readonly dynamodbEndpoint: string;
  readonly table: string;
  readonly onLine?: (line: string) => void;
}

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * The deployed function under `serverless offline`, polling the table's stream: what is in `dist/handlers`, with the
 * project's own serverless.yml. It reads the stream from its beginning, every 20 ms. Without the canary: an app that changes
 * by itself would come between those that somebody looks at here.
 */
export async function startOffline(options: OfflineOptions): Promise<Offline> {
  const folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-offline-"));
  const serverless = createRequire(import.meta.url).resolve("serverless/package.json");
  const child = await startChild({
    name: "serverless offline",
    command: process.execPath,
    args: [
      join(dirname(serverless), "bin", "serverless.js"),
      "offline",
      "--param",
      `redisUrl=${options.redisUrl}`,
      "--param",
      `tableName=${options.table}`,
      "--param",
      "canary=off",
    ],
    cwd: root,
    env: {
      APP_SYNC_BUILT: "1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      DYNAMODB_ENDPOINT: options.dynamodbEndpoint,
      OFFLINE_CHECKPOINT_FILE: join(folder, "checkpoint.json"),
      OFFLINE_HTTP_PORT: String(await freePort()),
      OFFLINE_LAMBDA_PORT: String(await freePort()),
    },
    ready: (started) => Promise.resolve(started.output().includes("Starting Offline Dynamodb Streams")),
    onLine: options.onLine,
  });
  return {
    child,
    async stop() {
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
