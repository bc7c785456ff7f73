/**
 * `npm run bench:lookup`: what a cached app lookup costs, with soketi's own memory cache and with the agent.
 * The real classes of both, the same app, in alternation in one process.
 */
import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
import { AppCache } from "../src/agent/app-cache.ts";
import type {
  SoketiAppClass,
  SoketiAppManager,
  SoketiAppObject,
  SoketiServer,
} from "../src/soketi/server.ts";
import { takeOverLookups } from "../src/soketi/take-over-lookups.ts";
import { publish, ratio, SPREAD, spread } from "./report.ts";

const ROUNDS = 30;
const LOOKUPS = 20_000;

const require = createRequire(import.meta.url);
const { Server } = require("@soketi/soketi/dist/server.js") as {
  Server: new (options: object) => SoketiServer;
};
const { App } = require("@soketi/soketi/dist/app.js") as { App: SoketiAppClass };
const { AppManager } = require("@soketi/soketi/dist/app-managers/index.js") as {
  AppManager: new (server: SoketiServer) => SoketiAppManager;
};
const { CacheManager } = require("@soketi/soketi/dist/cache-managers/index.js") as {
  CacheManager: new (server: SoketiServer) => object;
};

const item = {
  id: "acme",
  key: "acme-key",
  secret: "acme-secret",
  maxConnections: 200,
  enableClientMessages: true,
  webhooks: [{ url: "https://hooks.example.com/acme", event_types: ["channel_occupied", "channel_vacated"] }],
};

/** soketi with the given cache setting; only its table is replaced, by an app in memory. */
function soketi(): { server: SoketiServer; manager: SoketiAppManager; app: SoketiAppObject } {
  const server = new Server({ "appManager.driver": "dynamodb", "appManager.cache.enabled": true });
  Object.assign(server, { cacheManager: new CacheManager(server) });
  const manager = new AppManager(server);
  const app = new App(item, server);
  Object.assign(manager.driver, {
    findByKey: () => Promise.resolve(app),
    findById: () => Promise.resolve(app),
  });
  return { server, manager, app };
}

function agent(): SoketiAppManager {
  const { manager, app } = soketi();
  const cache = new AppCache<SoketiAppObject>({
    source: { loadById: () => Promise.resolve(app), resolveKey: () => Promise.resolve(app.id) },
    clock: () => performance.now(),
    lease: { until: Number.POSITIVE_INFINITY, provenAt: 0 },
    limits: {
      degradedTtlMs: 5_000,
      maxStaleOnErrorMs: 60_000,
      loadBudgetMs: 5_000,
      missingKeyTtlMs: 1_000,
      maxEntries: 100_000,
    },
    isSame: () => true,
    onChanged: () => undefined,
    onLoadFailed: (what, error) => {
      throw new Error(`expected ${what} to load`, { cause: error });
    },
  });
  takeOverLookups(manager, cache);
  return manager;
}

async function microsecondsPerLookup(manager: SoketiAppManager): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < LOOKUPS; i += 1) {
    const app = await manager.findByKey("acme-key");
    if (app?.id !== "acme") throw new Error(`expected app acme, found another`);
  }
  return ((performance.now() - start) * 1000) / LOOKUPS;
}

const contenders = { "soketi, memory cache": soketi().manager, "soketi-app-sync agent": agent() };
const results: Record<string, number[]> = {};
for (let round = -3; round < ROUNDS; round += 1) {
  for (const [name, manager] of Object.entries(contenders)) {
    const figure = await microsecondsPerLookup(manager);
    if (round >= 0) (results[name] ??= []).push(figure);
  }
}

const [theirs = [], ours = []] = Object.values(results);
publish({
  name: "lookup",
  about: `Microseconds for a cached findByKey, ${LOOKUPS.toLocaleString("en")} a round; the real classes of both.`,
  tables: [
    {
      columns: ["", ...SPREAD],
      rows: Object.entries(results).map(([name, figures]) => [name, ...spread(figures)]),
    },
  ],
  conclusions: [`The agent is ${ratio(theirs, ours).toFixed(0)} times faster.`],
  data: results,
});
process.exit(0);
