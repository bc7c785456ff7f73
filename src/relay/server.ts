import { createServer, type Server } from "node:http";
import { isIP } from "node:net";
import { withoutHost } from "../config/without-host.ts";
import { RelayPortError } from "./errors.ts";
import { type Health, isWell } from "./health.ts";

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
 * Rejects with RelayPortError when the port cannot be taken.
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
  const port = await listen(server, host, options.port);
  return {
    port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const found = error.code === "EADDRINUSE" ? "that it is in use" : withoutHost(error.message);
      // A name may be anything, a password that belongs elsewhere too.
      const at = isIP(host) === 0 ? "port " : `${host}:`;
      reject(
        new RelayPortError(
          `expected to listen on ${at}${port}, found ${found}: choose others with APP_SYNC_RELAY_HOST and APP_SYNC_RELAY_PORT`,
          { cause: error },
        ),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}
