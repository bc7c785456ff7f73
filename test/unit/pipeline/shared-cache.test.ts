import { beforeEach, describe, expect, it } from "vitest";
import type { App } from "../../../src/app/app.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { readAsSoketi } from "../../../src/app/soketi-reading.ts";
import { type CacheFormat, SOCKUDO_FORMAT, SOKETI_FORMAT } from "../../../src/pipeline/cache-format.ts";
import { CacheChanges } from "../../../src/pipeline/cache-changes.ts";
import { decodeRecord, type StreamChange } from "../../../src/pipeline/decode.ts";
import {
  type AppCacheStore,
  type AppsReader,
  type CacheWrite,
  type CacheWriteResult,
  LONG_TEXT,
} from "../../../src/pipeline/ports.ts";
import { SharedCache } from "../../../src/pipeline/shared-cache.ts";
import { sweep } from "../../../src/pipeline/sweep.ts";
import { type Image, image, insert, modify, remove } from "../../factories/stream-event.ts";

/** What soketi would find, by name; "" is its note that there is no such app. */
let cache: Map<string, string>;
let touched: string[];
let table: Map<string, App>;
/** The same as they stand there, where soketi's own reading counts. */
let items: Map<string, Image>;
/** Called before each read of the table. */
let beforeRead: () => void;
/** Called when what a read gives is settled, before it is given. */
let afterRead: () => void;

/** From this length on a text is not read together with others. */
const LONG = 5_000;

/** Of another type than text, by name. */
let foreign: Set<string>;
/** What is known of an app under a name, by both. */
let known: Map<string, string>;

const cachedJson = (one: App | undefined) => one && SOKETI_FORMAT.json(one);

const storeOf = (format: CacheFormat): AppCacheStore => ({
  format,
  read: (names) =>
    Promise.resolve(
      names.map((name) => {
        if (foreign.has(name)) return null;
        if ((cache.get(name)?.length ?? 0) > LONG) return LONG_TEXT;
        return cache.get(name) === "" ? undefined : cache.get(name);
      }),
    ),
  fences: (entries) => Promise.resolve(entries.map(({ name, appId }) => known.get(`${name} ${appId}`) ?? "")),
  write: (writes) => Promise.resolve(writes.map(writeOne)),
  readWhole: (name) => Promise.resolve(cache.get(name)),
  removeSame: (entries) => {
    const same = entries.filter(({ name, text }) => cache.get(name) === text);
    for (const { name } of same) cache.delete(name);
    return Promise.resolve(same.length);
  },
  touch: (names) => {
    touched.push(...names);
    return Promise.resolve();
  },
  // eslint-disable-next-line @typescript-eslint/require-await -- an async iterable is what is asked for
  async *names() {
    yield [...cache.keys(), ...foreign];
  },
});

const store = storeOf(SOKETI_FORMAT);

/** For tests of what is asked for: who wins is tried on a real Redis (test/real/fences.test.ts). */
function writeOne({ name, appId, fence, json, whosever }: CacheWrite): CacheWriteResult {
  if (foreign.has(name)) return "foreign";
  const held = known.get(`${name} ${appId}`) ?? "";
  if (fence.kind === "read" && fence.token !== held) return "outdated";
  if (fence.kind === "record") {
    if (held.length > 0 && BigInt(held) > BigInt(fence.sequenceNumber)) return "outdated";
    known.set(`${name} ${appId}`, fence.sequenceNumber);
  }
  if (json !== undefined) cache.set(name, json);
  else if (whosever || idAt(name) === undefined || idAt(name) === appId) cache.delete(name);
  return "done";
}

const reader: AppsReader = {
  read: (ids) => {
    beforeRead();
    const found = new Map([...table].filter(([id]) => ids.includes(id)));
    afterRead();
    return Promise.resolve(found);
  },
  readItems: (ids) => {
    const found = [...items].filter(([id]) => ids.includes(id));
    return Promise.resolve(
      new Map(found.map(([id, item]) => [id, { app: normalize(item).app, reading: readAsSoketi(item) }])),
    );
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
  items = new Map();
  foreign = new Set();
  known = new Map();
  beforeRead = () => undefined;
  afterRead = () => undefined;
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

function toCacheChanges(all: readonly StreamChange[], late = false) {
  const cached = new CacheChanges({ late });
  for (const record of all) cached.add(record);
  return cached.all();
}

const records = (...all: unknown[]) => all.map((one) => decodeRecord(one) as StreamChange);
const apply = (mode: "evict" | "refresh", ...all: unknown[]) =>
  new SharedCache({ mode, stores: [store] }).apply(toCacheChanges(records(...all)));
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
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      cache = new Map();
      await apply("refresh", insert("a", { item: { AppKey: { S: "k" } } }), insert("b"));
      const swap = [
        modify("a", { AppKey: { S: "k" } }, { AppKey: { S: "free" } }),
        modify("b", {}, { AppKey: { S: "k" } }),
      ];
      for (const i of order) await apply("refresh", swap[i]);
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
    await apply("refresh", without(insert("a"), "NewImage"));
    expect(idAt("a")).toBeUndefined();
  });
});

describe("records that are read again late", () => {
  const late = (...all: unknown[]) =>
    new SharedCache({ mode: "refresh", stores: [store], table: reader }).apply(
      toCacheChanges(records(...all), true),
    );

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
    beforeRead = () => table.set("a", app("a", { AppKey: { S: `key-${(reads += 1)}` } }));
    await expect(late(insert("a"))).rejects.toThrow(/expected a to be the same .* 5 times: try again later/);
  });
});

/** A record of a stream that leaves images out. */
function without<T extends { readonly dynamodb: object }>(given: T, ...left: ("OldImage" | "NewImage")[]) {
  const images = Object.entries(given.dynamodb).filter(([name]) => !left.some((image) => image === name));
  return { ...given, dynamodb: Object.fromEntries(images) };
}

describe("for servers that read no table themselves", () => {
  const sockudo = (reading?: AppsReader) =>
    new SharedCache({ mode: "refresh", stores: [storeOf(SOCKUDO_FORMAT)], table: reading });
  const late = (...all: unknown[]) => sockudo(reader).apply(toCacheChanges(records(...all), true));
  const inCache = (one: App) => SOCKUDO_FORMAT.json(one);

  beforeEach(async () => {
    await sockudo().apply(toCacheChanges(records(insert("a"), insert("b"))));
    table = new Map([app("a"), app("b")].map((one) => [one.id, one]));
  });

  it("an app stays until the table has been read", async () => {
    const before = new Map(cache);
    table.set("a", app("a", { MaxConnections: { N: "9" } }));
    let reads = 0;
    beforeRead = () => {
      reads += 1;
      expect(cache).toEqual(before);
    };
    await late(modify("a", {}, { AppKey: { S: "k2" } }));
    expect(reads).toBeGreaterThan(0);
    expect(cache.get("id:a")).toBe(inCache(app("a", { MaxConnections: { N: "9" } })));
    expect(cache.get("key:a-key")).toBe(cache.get("id:a"));
  });

  it("an app stays as it is while the table cannot be read, whichever read fails", async () => {
    const before = new Map(cache);
    for (const failing of [1, 2]) {
      let reads = 0;
      beforeRead = () => {
        reads += 1;
        if (reads === failing) throw new Error("throttled");
      };
      await expect(late(modify("a", {}, { MaxConnections: { N: "9" } }))).rejects.toThrow("throttled");
      expect(cache).toEqual(before);
    }
  });

  it("what the table no longer has goes: the app, and keys that it has left", async () => {
    table.delete("b");
    table.set("a", app("a", { AppKey: { S: "k3" } }));
    const item = { AppKey: { S: "k2" } };
    await sockudo().apply(toCacheChanges(records(modify("a", {}, item))));
    await late(modify("a", {}, item), modify("a", item, { AppKey: { S: "k3" } }), remove("b"));
    expect(everything()).toEqual({ "id:a": "a", "key:k3": "a" });
  });

  it("a key that has passed on to another app stays with it", async () => {
    table.set("a", app("a", { AppKey: { S: "free" } }));
    table.set("b", app("b", { AppKey: { S: "a-key" } }));
    await late(
      modify("a", {}, { AppKey: { S: "free" } }),
      modify("b", { AppKey: { S: "b-key" } }, { AppKey: { S: "a-key" } }),
    );
    expect(everything()).toEqual({ "id:a": "a", "key:free": "a", "id:b": "b", "key:a-key": "b" });
  });

  it("an app that goes back to a former key after the read keeps it", async () => {
    const item = { AppKey: { S: "k2" } };
    table.set("a", app("a", item));
    const back = modify("a", item, { MaxConnections: { N: "9" } }, { sequenceNumber: "9".repeat(30) });
    let reads = 0;
    let applied: Promise<unknown> = Promise.resolve();
    afterRead = () => {
      reads += 1;
      if (reads !== 2) return;
      table.set("a", app("a", { MaxConnections: { N: "9" } }));
      applied = sockudo().apply(toCacheChanges(records(back)));
    };
    await late(modify("a", {}, item));
    await applied;
    expect(everything()).toEqual({ "id:a": "a", "key:a-key": "a", "id:b": "b", "key:b-key": "b" });
    expect(cache.get("key:a-key")).toBe(inCache(app("a", { MaxConnections: { N: "9" } })));
    expect(cache.get("id:a")).toBe(cache.get("key:a-key"));
  });

  it("without a table, what a record does not tell is left and named; what it tells is done", async () => {
    const before = new Map(cache);
    const changed = modify("a", {}, { MaxConnections: { N: "9" } });
    const soketi = (mode: "refresh" | "evict") => new SharedCache({ mode, stores: [store] });
    const untold: [unknown, string[]][] = [
      [without(changed, "NewImage"), []],
      [without(insert("a"), "NewImage"), []],
      // Nobody can say which key it had.
      [without(changed, "OldImage", "NewImage"), ["a"]],
    ];
    for (const [record, left] of untold) {
      const apps = toCacheChanges(records(record));
      await sockudo().apply(apps);
      expect(cache).toEqual(before);
      expect(sockudo().leftBy(apps)).toEqual(["a"]);
      for (const one of [sockudo(reader), soketi("refresh"), soketi("evict")])
        expect(one.leftBy(apps)).toEqual(left);
    }
    const told = toCacheChanges(records(without(changed, "OldImage"), without(remove("b"), "OldImage")));
    await sockudo().apply(told);
    // All but a key that they may have had before.
    for (const one of [sockudo(), sockudo(reader), soketi("refresh"), soketi("evict")])
      expect(one.leftBy(told)).toEqual(["a", "b"]);
    expect(cache.get("id:a")).toBe(inCache(app("a", { MaxConnections: { N: "9" } })));
    expect([cache.has("id:b"), cache.has("key:b-key")]).toEqual([false, true]);
    const whole = toCacheChanges(records(changed, remove("b")));
    await sockudo().apply(whole);
    expect(sockudo().leftBy(whole)).toEqual([]);
    expect([cache.has("id:b"), cache.has("key:b-key")]).toEqual([false, false]);
  });
});

/** An entry as soketi writes it: with its server's defaults. */
function asSoketiHasIt(id: string, more: object = {}): string {
  return JSON.stringify({
    id,
    key: `${id}-key`,
    secret: `${id}-secret`,
    maxConnections: -1,
    enableClientMessages: false,
    enabled: true,
    maxBackendEventsPerSecond: -1,
    maxClientEventsPerSecond: -1,
    maxReadRequestsPerSecond: -1,
    webhooks: [],
    maxPresenceMembersPerChannel: 100,
    maxPresenceMemberSizeInKb: 2,
    maxChannelNameLength: 200,
    maxEventChannelsAtOnce: 100,
    maxEventNameLength: 200,
    maxEventPayloadInKb: 100,
    maxEventBatchSize: 10,
    enableUserAuthentication: false,
    ...more,
  });
}

describe("a sweep", () => {
  const run = (mode: "evict" | "refresh", remainingMs = 60_000) =>
    sweep({
      cache: new SharedCache({ mode, stores: [store], table: reader }),
      table: reader,
      remainingMs: () => remainingMs,
    });

  it("in refresh mode writes what is missing or wrong, removes what is nobody's, and touches the rest", async () => {
    for (const id of ["right", "missing", "wrong"]) table.set(id, app(id));
    const cached = new SharedCache({ mode: "refresh", stores: [store] });
    await cached.apply(
      toCacheChanges(
        records(insert("right"), insert("wrong", { item: { Enabled: { BOOL: false } } }), insert("gone")),
      ),
    );
    cache.set("not-found", "");
    expect(await run("refresh")).toEqual({
      apps: 3,
      entries: 8,
      repaired: 2,
      removed: 2,
      unsettled: 0,
      foreign: 0,
    });
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
    for (const id of ["same", "other", "moved", "refreshed"])
      items.set(id, image(id, { MaxConnections: { N: "5" } }));
    cache.set("same", asSoketiHasIt("same", { maxConnections: 5 }));
    cache.set("other", asSoketiHasIt("other", { maxConnections: 4 }));
    cache.set("moved-old-key", asSoketiHasIt("moved", { maxConnections: 5 }));
    cache.set("gone", asSoketiHasIt("gone"));
    expect(await run("evict")).toMatchObject({ apps: 0, entries: 4, repaired: 0, removed: 3 });
    expect([...cache.keys()]).toEqual(["same"]);
  });

  it.each([{ AppSecret: "other" }, { Enabled: 1 }, { max_connections: 0 }, { AppId: "b" }])(
    "in evict mode removes what has %o beside what soketi writes, since that would hold",
    async (more) => {
      items.set("a", image("a"));
      cache.set("a", asSoketiHasIt("a", more));
      cache.set("a-key", asSoketiHasIt("a", { AppSecret: "", Webhooks: null, of: "nobody" }));
      expect(await run("evict")).toMatchObject({ entries: 2, removed: 1 });
      expect([...cache.keys()]).toEqual(["a-key"]);
    },
  );

  it("in evict mode leaves what soketi reads in its own way", async () => {
    const text = [{ url: "https://hooks.example.com", event_types: ["client_event"], headers: null }];
    items.set("bytes", image("bytes", { Enabled: { B: Buffer.from("false") }, MaxConnections: { S: "7x" } }));
    items.set("named", image("named", { enabled: { S: "false" }, max_connections: { N: "3" } }));
    items.set("hooks", image("hooks", { Webhooks: { S: JSON.stringify(text) } }));
    items.set("broken", image("broken", { Webhooks: { S: JSON.stringify([{ url: "https://a.example" }]) } }));
    const bytes = { type: "Buffer", data: [...Buffer.from("false")] };
    cache.set("bytes-key", asSoketiHasIt("bytes", { enabled: bytes, maxConnections: "7x" }));
    cache.set("named", asSoketiHasIt("named", { enabled: true, maxConnections: 3 }));
    cache.set("hooks", asSoketiHasIt("hooks", { webhooks: text }));
    cache.set("broken", asSoketiHasIt("broken", { maxConnections: 9 }));
    expect(await run("evict")).toMatchObject({ entries: 4, removed: 2 });
    expect([...cache.keys()]).toEqual(["bytes-key", "hooks"]);
    cache.set("named", asSoketiHasIt("named", { enabled: "false", maxConnections: 3 }));
    expect(await run("evict")).toMatchObject({ entries: 3, removed: 0 });
  });

  it.each(["evict", "refresh"] as const)("in %s mode one entry's trouble is that entry's", async (mode) => {
    table.set("right", app("right"));
    items.set("right", image("right"));
    for (const name of ["right", "right-key"]) cache.set(name, cachedJson(table.get("right")) ?? "");
    const served = { key: "k", secret: "s", enabled: true };
    cache.set("no-id", JSON.stringify(served));
    cache.set("empty-id", JSON.stringify({ ...served, id: "" }));
    cache.set("number", JSON.stringify({ ...served, id: 5 }));
    cache.set("long-id", JSON.stringify({ ...served, id: "x".repeat(2_049) }));
    cache.set("no-secret", JSON.stringify({ id: "right", key: "right-key", enabled: true }));
    // soketi serves them as an app with the id "app-id" and the secret "app-secret".
    for (const text of ["5", "0", "true", "false", '"some words"', "[1]", "{}"])
      cache.set(`is-${text}`, text);
    cache.set("long", JSON.stringify({ ...served, id: "gone", more: "x".repeat(LONG) }));
    // soketi fails on them: another program's.
    cache.set("words", "some words");
    cache.set("nothing", "null");
    cache.set("long-words", "some words".repeat(LONG));
    foreign = new Set(["list"]);
    expect(await run(mode)).toMatchObject({ removed: 13, foreign: 4, unsettled: 0, repaired: 0 });
    expect([...cache.keys()]).toEqual(["right", "right-key", "words", "nothing", "long-words"]);
    expect(await run(mode)).toMatchObject({ removed: 0, foreign: 4 });
  });

  it("has a text that is too long replaced where an app belongs, and counts what was really removed", async () => {
    table.set("a", app("a"));
    cache.set("a", JSON.stringify({ id: "a", more: "x".repeat(LONG) }));
    expect(await run("refresh")).toMatchObject({ repaired: 1, removed: 0, foreign: 0 });
    expect(idAt("a-key")).toBe("a");
    expect(cache.get("a")).toBe(cachedJson(app("a")));
    cache.set("gone", asSoketiHasIt("gone"));
    beforeRead = () => cache.set("gone", asSoketiHasIt("gone", { enabled: false }));
    expect(await run("refresh")).toMatchObject({ removed: 0 });
  });

  it("for sockudo removes what it may read as an app, a list too, and leaves the rest", async () => {
    for (const text of ["5", "true", '"x"', "null", "x"]) cache.set(`key:is-${text}`, text);
    for (const text of ["[1]", "{}"]) cache.set(`id:is-${text}`, text);
    const swept = await sweep({
      cache: new SharedCache({ mode: "refresh", stores: [storeOf(SOCKUDO_FORMAT)], table: reader }),
      table: reader,
      remainingMs: () => 60_000,
    });
    expect(swept).toMatchObject({ entries: 2, removed: 2, foreign: 5 });
    expect([...cache.keys()].every((name) => name.startsWith("key:"))).toBe(true);
  });

  it("an app that changes all the time, or whose name is taken by something else, stops nothing else", async () => {
    for (const id of ["a", "busy", "taken"]) table.set(id, app(id));
    foreign = new Set(["taken"]);
    let reads = 0;
    beforeRead = () => table.set("busy", app("busy", { AppKey: { S: `key-${(reads += 1)}` } }));
    expect(await run("refresh")).toMatchObject({ apps: 3, repaired: 2, unsettled: 1, foreign: 1 });
    expect(idAt("a-key")).toBe("a");
    expect(idAt("taken-key")).toBe("taken");
    // What is right gets its whole time to live again; what is another program's gets none.
    await run("refresh");
    expect(touched).toContain("taken-key");
    expect(touched).not.toContain("taken");
  });

  it("stops with an error while there is time for it", async () => {
    table.set("a", app("a"));
    await expect(run("refresh", 4_000)).rejects.toThrow(/give the function more time/);
    cache.set("a", "{}");
    await expect(run("evict", 4_000)).rejects.toThrow(/give the function more time/);
  });
});
