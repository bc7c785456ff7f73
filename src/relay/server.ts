import { createServer } from "node:http";
import { listen } from "../http/listen.ts";
import { type Health, isWell } from "./health.ts";

const SETTINGS = { host: "APP_SYNC_RELAY_HOST", port: "APP_SYNC_RELAY_PORT" };

export interface RelayServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly health: () => Health;
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
}

export interface RelayServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * `/health`, 200 or 503 with what it is that is not well, and `/metrics`. Neither has a secret, a login or anything to change.
 * Rejects with ListenError when the port cannot be taken.
 */
export async function startRelayServer(options: RelayServerOptions): Promise<RelayServer> {
  const { host, health, metrics, metricsType } = options;
  const server = createServer((request, response) => {
    const [path] = (request.url ?? "").split("?");
    const send = (status: number, type: string, body: string) =>
      response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" }).end(body);
    if (request.method !== "GET" && request.method !== "HEAD") send(405, "text/plain", "expected GET\n");
    else if (path === "/health") {
      const now = health();
      send(isWell(now) ? 200 : 503, "application/json", `${JSON.stringify(now)}\n`);
    } else if (path === "/metrics") {
      metrics().then(
        (text) => send(200, metricsType, text),
        (error: unknown) =>
          send(500, "text/plain", `${error instanceof Error ? error.message : String(error)}\n`),
      );
    } else send(404, "text/plain", "expected /health or /metrics\n");
  });
  const port = await listen(server, { host, port: options.port, settings: SETTINGS });
  return {
    port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
