/**
 * `npm run bench:refresh`: brings 50,000 open connections of one app in line with a change, and closes them when it is
 * disabled; how long the event loop stands still at the longest. soketi's own App class; sockets in memory.
 */
import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
import { CLOSE_CAUSES, LiveSockets } from "../src/agent/live-sockets.ts";
import { soketiConnections } from "../src/soketi/sockets.ts";
import type { SoketiAppClass, SoketiAppObject, SoketiServer, SoketiSocket } from "../src/soketi/server.ts";
import { figure, publish } from "./report.ts";
import { median } from "./statistics.ts";

const CONNECTIONS = 50_000;
const ROUNDS = 7;

const require = createRequire(import.meta.url);
const { Server } = require("@soketi/soketi/dist/server.js") as { Server: new () => SoketiServer };
const { App } = require("@soketi/soketi/dist/app.js") as { App: SoketiAppClass };

const server = new Server();
const sockets = new Map<string, SoketiSocket>();
Object.assign(server, { adapter: { getNamespaces: () => new Map([["acme", { sockets }]]) } });
const appOf = (enabled: boolean) =>
  new App({ id: "acme", key: "acme-key", secret: "s", enabled, webhooks: [] }, server);

/** The longest time between two turns of the event loop while `work` goes on, and how long all of it takes. */
async function longestStall(work: (done: () => void) => void): Promise<{ stall: number; total: number }> {
  const start = performance.now();
  let stall = 0;
  let last = start;
  let finished = false;
  const turn = () => {
    const now = performance.now();
    stall = Math.max(stall, now - last);
    last = now;
    if (!finished) setImmediate(turn);
  };
  setImmediate(turn);
  await new Promise<void>((resolve) => work(resolve));
  finished = true;
  return { stall, total: performance.now() - start };
}

function connectAll(): void {
  sockets.clear();
  const app = appOf(true);
  for (let i = 0; i < CONNECTIONS; i += 1) {
    const socket: SoketiSocket = {
      appKey: "acme-key",
      app: app.forWebSocket(),
      sendJson: (data) => void JSON.stringify(data),
      end: () => undefined,
    };
    sockets.set(String(i), socket);
  }
}

async function refresh(app: SoketiAppObject): Promise<{ stall: number; total: number }> {
  return longestStall((done) => {
    const live = new LiveSockets<SoketiAppObject>({
      connections: soketiConnections(server),
      lookup: () => Promise.resolve(app),
      clock: () => performance.now(),
      closeOn: new Set(CLOSE_CAUSES),
      closesPerSecond: 50_000,
      onRefreshed: (_appId, replaced, closed) => {
        if (replaced + closed !== CONNECTIONS)
          throw new Error(`expected ${CONNECTIONS}, found ${replaced + closed}`);
        done();
      },
    });
    live.refresh("acme");
  });
}

const results = {
  refreshed: [] as { stall: number; total: number }[],
  closed: [] as { stall: number; total: number }[],
};
for (let round = -1; round < ROUNDS; round += 1) {
  connectAll();
  const refreshed = await refresh(appOf(true));
  const closed = await refresh(appOf(false));
  if (round < 0) continue;
  results.refreshed.push(refreshed);
  results.closed.push(closed);
}
publish({
  name: "refresh",
  about:
    `${CONNECTIONS.toLocaleString("en")} open connections of one app, brought in line with a change, and closed when it is ` +
    "disabled. soketi's own App class; sockets in memory. Milliseconds.",
  tables: [
    {
      columns: ["", "event loop held at the longest: median", "worst", "all of it takes", "runs"],
      rows: Object.entries(results).map(([name, figures]) => {
        const stalls = figures.map(({ stall }) => stall);
        const total = median(figures.map((one) => one.total));
        return [name, figure(median(stalls)), figure(Math.max(...stalls)), figure(total), figures.length];
      }),
    },
  ],
  data: results,
});
process.exit(0);
