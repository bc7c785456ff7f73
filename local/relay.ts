import { fileURLToPath } from "node:url";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";

export interface RelayProcess {
  readonly child: Child;
  /** Where `/health` and `/metrics` are. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface RelayProcessOptions {
  /** How people call it in messages. Default "relay". */
  readonly name?: string | undefined;
  readonly redisUrl?: string | undefined;
  readonly dynamodbEndpoint: string;
  readonly table: string;
  /** More variables. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

const cli = fileURLToPath(new URL("../dist/cli.mjs", import.meta.url));

/** The built `soketi-app-sync relay` on a local table: ready when it can be asked how it is, however it is. */
export async function startRelay(options: RelayProcessOptions): Promise<RelayProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = await startChild({
    name: options.name ?? "relay",
    command: process.execPath,
    args: [cli, "relay", "--port", String(port), "--table", options.table],
    env: {
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      APP_MANAGER_DYNAMODB_ENDPOINT: options.dynamodbEndpoint,
      REDIS_URL: options.redisUrl,
      ...options.env,
    },
    ready: async () => (await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) })).status > 0,
    readyWithinMs: 60_000,
    onLine: options.onLine,
  });
  return { child, url, stop: () => child.stop() };
}

/** What `/health` says. */
export async function healthOf({
  url,
}: Pick<RelayProcess, "url">): Promise<{ code: number; status: string; reason?: string }> {
  const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
  return { code: response.status, ...((await response.json()) as { status: string; reason?: string }) };
}
