import { beforeEach, describe, expect, it } from "vitest";
import type { App } from "../../../src/app/app.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { decodeRecord, type StreamChange } from "../../../src/pipeline/decode.ts";
import type { AppCacheStore, AppsReader } from "../../../src/pipeline/ports.ts";
import { CachedApps, cachedJson, SharedCache } from "../../../src/pipeline/shared-cache.ts";
import { sweep } from "../../../src/pipeline/sweep.ts";
import { image, insert, modify, remove } from "../../factories/stream-event.ts";

/** What soketi would find, by name; "" is its note that there is no such app. */
let cache: Map<string, string>;
let touched: string[];
let table: Map<string, App>;
/** Called before each read of the table. */
let beforeRead: () => void;

const store: AppCacheStore = {
  read: (names) => Promise.resolve(names.map((name) => cache.get(name) ?? undefined)),
  write: (entries) => {
    for (const { name, json } of entries) cache.set(name, json);
    return Promise.resolve();
  },
  remove: (names) => {
    for (const name of names) cache.delete(name);
    return Promise.resolve();
  },
  release: (entries) => {
    for (const { name, appId } of entries)
      if (idAt(name) === undefined || idAt(name) === appId) cache.delete(name);
    return Promise.resolve();
  },
  touch: (names) => {
    touched.push(...names);
    return Promise.resolve();
  },
  // eslint-disable-next-line @typescript-eslint/require-await -- an async iterable is what is asked for
  async *names() {
    yield [...cache.keys()];
  },
};

const reader: AppsReader = {
  read: (ids) => {
    beforeRead();
    return Promise.resolve(new Map([...table].filter(([id]) => ids.includes(id))));
  },
  // eslint-disable-next-line @typescript-eslint/require-await -- an async iterable is what is asked for
  async *pages() {
    yield [...table.values()].map((app) => ({ appId: app.id, app }));
  },
};

beforeEach(() => {
  cache = new Map();
  touched = [];
  table = new Map();
  beforeRead = () => undefined;
});

function app(id: string, item = {}): App {
  const { app: found } = normalize(image(id, item));
  if (!found) throw new Error(`expected ${id} to be an app`);
  return found;
}

function idAt(name: string): string | undefined {
  const json = cache.get(name);
  return json === undefined || json === "" ? undefined : (JSON.parse(json) as App).id;
}

function toCachedApps(all: readonly StreamChange[], late = false) {
  const cached = new CachedApps({ late });
  for (const record of all) cached.add(record);
  return cached.all();
}

const records = (...all: unknown[]) => all.map((one) => decodeRecord(one) as StreamChange);
const apply = (mode: "evict" | "refresh", ...all: unknown[]) =>
  new SharedCache({ mode, store }).apply(toCachedApps(records(...all)));
const ids = () => Object.fromEntries([...cache.keys()].map((name) => [name, idAt(name)]));
const everything = () => ({ ...ids() });

describe("refresh", () => {
  it("writes an app under id and key, as the last record has it", async () => {
    await apply("refresh", insert("a"), modify("a", {}, { Enabled: { B: "ZmFsc2U=" } }));
    expect(cache.get("a")).toBe(cachedJson(app("a", { Enabled: { BOOL: false } })));
    expect(cache.get("a-key")).toBe(cache.get("a"));
  });

  it("frees the keys that were left", async () => {
    await apply("refresh", insert("a"));
    await apply(
      "refresh",
      modify("a", {}, { AppKey: { S: "k2" } }),
      modify("a", { AppKey: { S: "k2" } }, { AppKey: { S: "k3" } }),
    );
    expect(everything()).toEqual({ a: "a", k3: "a" });
  });

  it("leaves a key that has passed on to another app, in whichever order they come", async () => {
    const swap = [
      modify("a", { AppKey: { S: "k" } }, { AppKey: { S: "free" } }),
      modify("b", {}, { AppKey: { S: "k" } }),
    ];
    for (const order of [swap, [...swap].reverse()]) {
      cache = new Map();
      await apply("refresh", insert("a", { item: { AppKey: { S: "k" } } }), insert("b"));
      for (const record of order) await apply("refresh", record);
      expect(everything()).toEqual({ a: "a", free: "a", b: "b", k: "b" });
    }
  });

  it("removes an app that is gone or not usable, also soketi's note that it was not there", async () => {
    await apply("refresh", insert("a"), insert("b"));
    await apply("refresh", remove("a"), modify("b", {}, { AppSecret: { NULL: true } }));
    expect(everything()).toEqual({});
    cache.set("c", "");
    cache.set("c-key", "");
    await apply("refresh", insert("c"));
    expect(everything()).toEqual({ c: "c", "c-key": "c" });
  });

  it("removes what a record does not tell, when it may not read the table", async () => {
    await apply("refresh", insert("a"));
    const {
      OldImage: _old,
      NewImage: _new,
      ...keysOnly
    } = { OldImage: 0, NewImage: 0, ...insert("a").dynamodb };
    await apply("refresh", { ...insert("a"), dynamodb: keysOnly });
    expect(idAt("a")).toBeUndefined();
  });
});

describe("records that are read again late", () => {
  const late = (...all: unknown[]) =>
    new SharedCache({ mode: "refresh", store, table: reader }).apply(toCachedApps(records(...all), true));

  it("do not put an older app over a newer one", async () => {
    table.set("a", app("a", { MaxConnections: { N: "9" } }));
    await late(insert("a", { item: { MaxConnections: { N: "1" } } }));
    expect(cache.get("a-key")).toBe(cachedJson(table.get("a")));
  });

  it("a change between the read and the write is written as well", async () => {
    table.set("a", app("a", { MaxConnections: { N: "1" } }));
    let reads = 0;
    beforeRead = () => {
      reads += 1;
      if (reads === 2) table.set("a", app("a", { MaxConnections: { N: "2" }, AppKey: { S: "k2" } }));
    };
    await late(insert("a"));
    expect(cache.get("k2")).toBe(cachedJson(table.get("a")));
    expect(everything()).toEqual({ a: "a", k2: "a" });
  });

  it("an app that changes all the time is given up, with its name", async () => {
    let reads = 0;
    beforeRead = () => table.set("a", app("a", { MaxConnections: { N: String((reads += 1)) } }));
    await expect(late(insert("a"))).rejects.toThrow(/expected a to be the same .* 5 times: try again later/);
  });
});

describe("a sweep", () => {
  const run = (mode: "evict" | "refresh", remainingMs = 60_000) =>
    sweep({
      cache: new SharedCache({ mode, store, table: reader }),
      table: reader,
      remainingMs: () => remainingMs,
    });

  it("in refresh mode writes what is missing or wrong, removes what is nobody's, and touches the rest", async () => {
    for (const id of ["right", "missing", "wrong"]) table.set(id, app(id));
    const cached = new SharedCache({ mode: "refresh", store });
    await cached.apply(
      toCachedApps(
        records(insert("right"), insert("wrong", { item: { Enabled: { BOOL: false } } }), insert("gone")),
      ),
    );
    cache.set("not-found", "");
    expect(await run("refresh")).toEqual({ apps: 3, entries: 8, repaired: 2, removed: 2 });
    expect(everything()).toEqual({
      right: "right",
      "right-key": "right",
      missing: "missing",
      "missing-key": "missing",
      wrong: "wrong",
      "wrong-key": "wrong",
      "not-found": undefined,
    });
    expect(touched).toEqual(["right", "right-key"]);
    expect(await run("refresh")).toMatchObject({ repaired: 0, removed: 0 });
  });

  it("in evict mode removes what says something else than the table, and leaves what says the same", async () => {
    for (const id of ["same", "other", "moved"]) table.set(id, app(id, { MaxConnections: { N: "5" } }));
    // soketi fills in its own defaults, and reads the flag as anything that is truthy.
    const asSoketiHasIt = {
      ...JSON.parse(cachedJson(app("same")) ?? ""),
      maxConnections: "5",
      maxEventBatchSize: 10,
    } as Record<string, unknown>;
    const limits = {
      maxBackendEventsPerSecond: -1,
      maxClientEventsPerSecond: -1,
      maxReadRequestsPerSecond: -1,
    };
    const lengths = { maxChannelNameLength: 200, maxEventChannelsAtOnce: 100, maxEventNameLength: 200 };
    const rest = {
      maxEventPayloadInKb: 100,
      maxPresenceMembersPerChannel: 100,
      maxPresenceMemberSizeInKb: 2,
    };
    const entry = (id: string, more = {}) =>
      JSON.stringify({
        ...asSoketiHasIt,
        ...limits,
        ...lengths,
        ...rest,
        id,
        key: `${id}-key`,
        secret: `${id}-secret`,
        maxConnections: 5,
        ...more,
      });
    cache.set("same", entry("same"));
    cache.set("other", entry("other", { maxConnections: 4 }));
    cache.set("moved-old-key", entry("moved"));
    cache.set("gone", entry("gone"));
    expect(await run("evict")).toEqual({ apps: 0, entries: 4, repaired: 0, removed: 3 });
    expect([...cache.keys()]).toEqual(["same"]);
  });

  it("stops with an error while there is time for it", async () => {
    table.set("a", app("a"));
    await expect(run("refresh", 4_000)).rejects.toThrow(/give the function more time/);
    cache.set("a", "{}");
    await expect(run("evict", 4_000)).rejects.toThrow(/give the function more time/);
  });
});
