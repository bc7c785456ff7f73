/** `cache-memory.ts APPS`: heap for each app that the agent's cache holds, of soketi's own class; with its key. Prints JSON. */
import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
import { AppCache } from "../../src/agent/app-cache.ts";
import type { SoketiAppClass, SoketiAppObject, SoketiServer } from "../../src/soketi/server.ts";
import { normalize } from "../../src/app/normalize.ts";
import { toSoketi } from "../../src/app/soketi-shape.ts";

const APPS = Number(process.argv[2]);
const HITS = 200_000;

const require = createRequire(import.meta.url);
const { Server } = require("@soketi/soketi/dist/server.js") as { Server: new () => SoketiServer };
const { App } = require("@soketi/soketi/dist/app.js") as { App: SoketiAppClass };
const server = new Server();
const webhooks = JSON.stringify([{ url: "https://hooks.example.com/x", event_types: ["channel_occupied"] }]);

function load(id: string): SoketiAppObject {
  const { app } = normalize({
    AppId: { S: id },
    AppKey: { S: `${id}-key` },
    AppSecret: { S: `${id}-secret` },
    MaxConnections: { N: "500" },
    Webhooks: { S: webhooks },
  });
  if (!app) throw new Error(`expected app ${id} to be usable, found it not`);
  return new App(toSoketi(app), server);
}

const cache = new AppCache<SoketiAppObject>({
  source: {
    loadById: (id) => Promise.resolve(load(id)),
    resolveKey: (key) => Promise.resolve(key.slice(0, -"-key".length)),
  },
  clock: () => performance.now(),
  lease: { until: Number.POSITIVE_INFINITY, provenAt: 0 },
  limits: {
    degradedTtlMs: 5_000,
    maxStaleOnErrorMs: 60_000,
    loadBudgetMs: 60_000,
    missingKeyTtlMs: 1_000,
    maxEntries: 10_000_000,
  },
  isSame: () => false,
  onChanged: () => undefined,
  onLoadFailed: (_what, error) => {
    throw error;
  },
});
const idOf = (i: number) => `app-${i}`;

function heap(): number {
  global.gc?.();
  global.gc?.();
  return process.memoryUsage().heapUsed;
}

// Code and first tables are not the entries'.
await cache.findByKey("warm-key");
const before = heap();
for (let i = 0; i < APPS; i += 1) await cache.findByKey(`${idOf(i)}-key`);
const bytes = (heap() - before) / APPS;
const start = performance.now();
for (let i = 0; i < HITS; i += 1) await cache.findByKey(`${idOf((i * 7_919) % APPS)}-key`);
const hitMicroseconds = ((performance.now() - start) * 1_000) / HITS;
if (cache.stats.misses !== APPS + 1)
  throw new Error(`expected ${APPS + 1} misses, found ${cache.stats.misses}`);
console.log(JSON.stringify({ apps: APPS, bytesPerEntry: bytes, hitMicroseconds }));
process.exit(0);
