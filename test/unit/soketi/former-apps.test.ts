import { createRequire } from "node:module";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { forgetFormerApps, type FormerApps } from "../../../src/soketi/former-apps.ts";
import type { SoketiServer } from "../../../src/soketi/server.ts";
import { SoketiInMemory } from "../../support/soketi-in-memory.ts";

interface Limiters {
  readonly rateLimiters: Record<string, unknown>;
  consumeBackendEventPoints(points: number, app: object): Promise<unknown>;
  consumeReadRequestsPoints(points: number, app: object): Promise<unknown>;
  consumeFrontendEventPoints(points: number, app: object, socket: object): Promise<unknown>;
}
interface Metrics {
  markNewConnection(socket: object): void;
  markDisconnection(socket: object): void;
  markWsMessageSent(appId: string, data: object): void;
  markApiMessage(appId: string, received: object, sent: object): void;
  getMetricsAsPlaintext(): Promise<string>;
}
type Made<T> = new (server: SoketiServer) => T;

const require = createRequire(import.meta.url);
const { LocalRateLimiter } = require("@soketi/soketi/dist/rate-limiters/local-rate-limiter.js") as {
  LocalRateLimiter: Made<Limiters>;
};
const { PrometheusMetricsDriver } = require("@soketi/soketi/dist/metrics/prometheus-metrics-driver.js") as {
  PrometheusMetricsDriver: Made<Metrics>;
};

let soketi: SoketiInMemory;
let limiters: Limiters;
let metrics: Metrics;
/** As soketi's cache: what is in it. */
let cached: Map<string, string>;
/** Names that were written since. */
let written: string[];
let isThere: boolean;
let formerApps: FormerApps;

beforeEach(() => {
  soketi = new SoketiInMemory({ own: true });
  limiters = new LocalRateLimiter(soketi.server);
  metrics = new PrometheusMetricsDriver(soketi.server);
  cached = new Map();
  written = [];
  isThere = false;
  soketi.server.setCacheManager = (cacheManager) => Object.assign(soketi.server, { cacheManager });
  formerApps = forgetFormerApps(soketi.server, () => isThere);
  soketi.start();
  soketi.server.setCacheManager({
    get: (name) => Promise.resolve(cached.get(name) ?? null),
    set: (name, value) => {
      written.push(name);
      cached.set(name, value);
      return Promise.resolve(true);
    },
  });
  // As soketi's own wrapper hands them on.
  const metricsManager = Object.assign(Object.create(metrics) as Metrics, { driver: metrics });
  Object.assign(soketi.server, { rateLimiter: { driver: limiters }, metricsManager });
});

const nextTurns = async () => {
  for (let i = 0; i < 5; i += 1) await new Promise<void>((resolve) => setImmediate(resolve));
};
const cacheEvent = (appId: string, channel: string, ttlSeconds?: number) =>
  soketi.server.cacheManager?.set(`app:${appId}:channel:${channel}:cache_miss`, "{}", ttlSeconds);
/** Names and values of soketi's metrics that are about the app. */
async function metricsOf(appId: string): Promise<string[]> {
  const lines = (await metrics.getMetricsAsPlaintext()).split("\n");
  return lines.filter((line) => line.includes(`app_id="${appId}"`)).map((line) => line.replace(/\{.*\}/, ""));
}
async function connect(appId: string) {
  const app = { ...soketi.app(appId), maxBackendEventsPerSecond: 9, maxReadRequestsPerSecond: 9 };
  const socket = await soketi.connect(soketi.app(appId));
  metrics.markNewConnection(socket);
  await limiters.consumeBackendEventPoints(1, app);
  await limiters.consumeReadRequestsPoints(1, app);
  await limiters.consumeFrontendEventPoints(1, { ...app, maxClientEventsPerSecond: 9 }, socket);
  return socket;
}

describe("an app that was deleted", () => {
  it("leaves no cached events, and those of others stay", () => {
    void cacheEvent("a", "cache-1", 3_600);
    void cacheEvent("a", "cache-2");
    void cacheEvent("b", "cache-1", 3_600);
    formerApps.gone("a");
    const texts = Object.fromEntries([...cached].map(([name, text]) => [name, text]));
    expect(texts).toEqual({
      "app:a:channel:cache-1:cache_miss": "",
      "app:a:channel:cache-2:cache_miss": "",
      "app:b:channel:cache-1:cache_miss": "{}",
    });
  });

  it("leaves no limiters: its own at once, its clients' with them", async () => {
    const socket = await connect("a");
    await connect("b");
    formerApps.gone("a");
    expect(Object.keys(limiters.rateLimiters).filter((name) => name.startsWith("a:"))).toEqual([
      `a:a:frontend:events:${socket.id}`,
    ]);
    socket.end();
    await nextTurns();
    expect(Object.keys(limiters.rateLimiters).filter((name) => name.startsWith("a:"))).toEqual([]);
    expect(Object.keys(limiters.rateLimiters)).toHaveLength(3);
  });

  it("leaves no metrics when its last connection has closed, and never counts below 0", async () => {
    const [one, other] = [await connect("a"), await connect("a")];
    await connect("b");
    metrics.markApiMessage("a", {}, {});
    formerApps.gone("a");
    expect(await metricsOf("a")).toEqual(["soketi_connected 2"]);
    one.end();
    await nextTurns();
    expect(await metricsOf("a")).toContain("soketi_connected 1");
    other.end();
    await nextTurns();
    expect(await metricsOf("a")).toEqual([]);
    expect(await metricsOf("b")).toContain("soketi_connected 1");
  });

  it("and is there again by then keeps what is counted since", async () => {
    const socket = await connect("a");
    formerApps.gone("a");
    isThere = true;
    await cacheEvent("a", "cache-new");
    socket.end();
    await nextTurns();
    expect(await metricsOf("a")).toContain("soketi_connected 0");
    expect(cached.get("app:a:channel:cache-new:cache_miss")).toBe("{}");
  });

  it("without connections leaves nothing at once", async () => {
    metrics.markApiMessage("a", {}, {});
    formerApps.gone("a");
    expect(await metricsOf("a")).toEqual([]);
  });

  it("leaves no namespace: at once, or when its last connection has closed", async () => {
    const socket = await connect("a");
    (await connect("b")).end();
    await connect("c");
    await nextTurns();
    const namespaces = () => [...(soketi.server.adapter?.getNamespaces().keys() ?? [])];
    formerApps.gone("a");
    formerApps.gone("b");
    expect(namespaces()).toEqual(["a", "c"]);
    socket.end();
    await nextTurns();
    expect(namespaces()).toEqual(["c"]);
  });
});

describe("the cached events of an app that was deleted", () => {
  const COUNT = 20_000;
  const nameOf = (i: number) => `app:a:channel:cache-${i}:cache_miss`;
  const texts = () => new Set(Array.from({ length: COUNT }, (_, i) => cached.get(nameOf(i))));

  it("are gone at once, and removed a few in each turn of the event loop", async () => {
    for (let i = 0; i < COUNT; i += 1) void cacheEvent("a", `cache-${i}`, 3_600);
    written.length = 0;
    formerApps.gone("a");
    expect(written.length).toBeLessThanOrEqual(50);
    expect(await soketi.server.cacheManager?.get(nameOf(COUNT - 1))).toBeNull();
    let most = 0;
    for (let before = 0; written.length < COUNT; before = written.length) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      most = Math.max(most, written.length - before);
    }
    expect(most).toBeLessThanOrEqual(100);
    expect(texts()).toEqual(new Set([""]));
  });

  it("are removed once, however often it is told that the app is gone", async () => {
    void cacheEvent("a", "cache-1", 3_600);
    formerApps.gone("a");
    formerApps.gone("a");
    await nextTurns();
    formerApps.gone("a");
    await nextTurns();
    expect(written).toEqual([nameOf(1), nameOf(1)]);
  });

  it("make way for those of the app that is created under its id meanwhile", async () => {
    for (let i = 0; i < COUNT; i += 1) void cacheEvent("a", `cache-${i}`, 3_600);
    formerApps.gone("a");
    void cacheEvent("a", `cache-${COUNT - 1}`, 3_600);
    expect(await soketi.server.cacheManager?.get(nameOf(COUNT - 1))).toBe("{}");
    while (written.length < 2 * COUNT) await new Promise<void>((resolve) => setImmediate(resolve));
    await nextTurns();
    expect(cached.get(nameOf(COUNT - 1))).toBe("{}");
    expect(texts()).toEqual(new Set(["", "{}"]));
  });

  it("that the cache does not take away expire", async () => {
    void cacheEvent("a", "cache-1", 3_600);
    soketi.server.setCacheManager({
      get: () => Promise.resolve(null),
      set: () => {
        throw new Error("away");
      },
    });
    formerApps.gone("a");
    await nextTurns();
    expect(cached.get(nameOf(1))).toBe("{}");
  });

  it("that have expired are not remembered, also of an app that caches nothing more", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setInterval"] });
    try {
      soketi.server.setCacheManager({
        get: () => Promise.resolve(null),
        set: (name) => Promise.resolve(written.push(name)),
      });
      void cacheEvent("a", "cache-1", 30);
      void cacheEvent("b", "cache-1", 90);
      vi.advanceTimersByTime(60_000);
      formerApps.gone("a");
      formerApps.gone("b");
      await nextTurns();
      expect(written).toEqual([
        nameOf(1),
        "app:b:channel:cache-1:cache_miss",
        "app:b:channel:cache-1:cache_miss",
      ]);
    } finally {
      vi.useRealTimers();
    }
  });
});

it("a server without metrics and limiters of its own has nothing to forget", () => {
  Object.assign(soketi.server, { rateLimiter: { driver: {} }, metricsManager: { driver: {} } });
  expect(() => {
    formerApps.gone("a");
  }).not.toThrow();
});
