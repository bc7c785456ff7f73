import { beforeEach, describe, expect, it } from "vitest";
import type { App } from "../../../src/app/app.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { type CacheFormat, SOCKUDO_FORMAT, SOKETI_FORMAT } from "../../../src/pipeline/cache-format.ts";
import { CacheChanges } from "../../../src/pipeline/cache-changes.ts";
import { decodeRecord, type StreamChange } from "../../../src/pipeline/decode.ts";
import type { AppCacheStore, AppsReader, CacheWrite, CacheWriteResult } from "../../../src/pipeline/ports.ts";
import { SharedCache } from "../../../src/pipeline/shared-cache.ts";
import { sweep } from "../../../src/pipeline/sweep.ts";
import { image, insert, modify, remove } from "../../factories/stream-event.ts";

const FORMATS = [SOKETI_FORMAT, SOCKUDO_FORMAT];

let held: Map<CacheFormat, Map<string, string>>;
let table: Map<string, App>;
/** How often a page of the table was read. */
let pages: number;
let failing: CacheFormat | undefined;
/** Has no room for what is new. */
let full: CacheFormat | undefined;

/** Without fences: they are tried on a real Redis (test/real/fences.test.ts). */
function storeOf(format: CacheFormat): AppCacheStore {
  const entries = () => held.get(format) ?? new Map<string, string>();
  return {
    format,
    read: (names) => Promise.resolve(names.map((name) => entries().get(name))),
    fences: (asked) => Promise.resolve(asked.map(() => "")),
    write: (writes) => {
      if (failing === format) return Promise.reject(new Error(`${format.server}'s Redis is away`));
      const write = ({ name, json }: CacheWrite): CacheWriteResult => {
        if (json === undefined || full === format) entries().delete(name);
        else entries().set(name, json);
        return json !== undefined && full === format ? "full" : "done";
      };
      return Promise.resolve(writes.map(write));
    },
    readWhole: (name) => Promise.resolve(entries().get(name)),
    removeSame: (wrong) => {
      for (const { name } of wrong) entries().delete(name);
      return Promise.resolve(wrong.length);
    },
    touch: () => Promise.resolve(),
    // eslint-disable-next-line @typescript-eslint/require-await -- an async iterable is what is asked for
    async *names() {
      yield [...entries().keys()];
    },
  };
}

const reader: AppsReader = {
  read: (ids) => Promise.resolve(new Map([...table].filter(([id]) => ids.includes(id)))),
  readItems: () => Promise.resolve(new Map()),
  // eslint-disable-next-line @typescript-eslint/require-await -- an async iterable is what is asked for
  async *pages() {
    pages += 1;
    yield [...table.values()].map((app) => ({ appId: app.id, app }));
  },
};

const cache = () =>
  new SharedCache({ mode: "refresh", stores: FORMATS.map((format) => storeOf(format)), table: reader });

beforeEach(() => {
  held = new Map(FORMATS.map((format) => [format, new Map<string, string>()]));
  table = new Map();
  pages = 0;
  failing = undefined;
  full = undefined;
});

function changes(...records: unknown[]) {
  const apps = new CacheChanges();
  for (const record of records) apps.add(decodeRecord(record) as StreamChange);
  return apps.all();
}

function app(id: string): App {
  const { app: found } = normalize(image(id));
  if (!found) throw new Error(`expected ${id} to be an app`);
  return found;
}

const names = () =>
  Object.fromEntries(FORMATS.map((format) => [format.server, [...(held.get(format)?.keys() ?? [])]]));

describe("a Redis without room", () => {
  it("is told of by each change that found none, whichever format it was for", async () => {
    expect(await cache().apply(changes(insert("a")))).toEqual([]);
    full = FORMATS[1];
    expect(await cache().apply(changes(insert("a")))).toEqual(["a"]);
    expect(await cache().apply(changes(remove("a")))).toEqual([]);
    expect(names()).toEqual({ soketi: [], sockudo: [] });
  });

  it("has a sweep fail, after all else is swept", async () => {
    table.set("a", app("a")).set("b", app("b"));
    await cache().apply(changes(insert("a"), insert("gone")));
    full = FORMATS[0];
    const run = () => sweep({ cache: cache(), table: reader, remainingMs: () => 60_000 });
    await expect(run()).rejects.toThrow("found it full, and 1 of 2 apps missing there");
    expect(names()).toMatchObject({
      soketi: ["a", "a-key"],
      sockudo: ["id:a", "key:a-key", "id:b", "key:b-key"],
    });
    full = undefined;
    expect(await run()).toMatchObject({ repaired: 1 });
  });
});

describe("both formats at once", () => {
  it("have each change, each under its own names", async () => {
    await cache().apply(changes(insert("a")));
    expect(names()).toEqual({ soketi: ["a", "a-key"], sockudo: ["id:a", "key:a-key"] });
    for (const [format, name] of [
      [SOKETI_FORMAT, "a"],
      [SOCKUDO_FORMAT, "id:a"],
    ] as const)
      expect(held.get(format)?.get(name)).toBe(format.json(app("a")));
    await cache().apply(changes(modify("a", {}, { AppKey: { S: "a" } })));
    expect(names()).toEqual({ soketi: ["a"], sockudo: ["id:a", "key:a"] });
    await cache().apply(changes(remove("a", { item: { AppKey: { S: "a" } } })));
    expect(names()).toEqual({ soketi: [], sockudo: [] });
  });

  it("an app without its secret is in neither", async () => {
    await cache().apply(changes(insert("a"), insert("b")));
    await cache().apply(changes(modify("a", {}, { AppSecret: { NULL: true } })));
    expect(names()).toEqual({ soketi: ["b", "b-key"], sockudo: ["id:b", "key:b-key"] });
  });

  it("one that fails does not keep the other back, and the batch comes again", async () => {
    failing = SOKETI_FORMAT;
    await expect(cache().apply(changes(insert("a")))).rejects.toThrow("soketi's Redis is away");
    expect(names()).toEqual({ soketi: [], sockudo: ["id:a", "key:a-key"] });
  });

  it("of what is given up soketi reads the table itself, and sockudo has what the table says", async () => {
    await cache().apply(changes(insert("a"), insert("b"), insert("c")));
    table.set("a", app("a"));
    await cache().giveUp(changes(insert("a"), remove("b")).map((change) => ({ ...change, app: undefined })));
    expect(names()).toEqual({ soketi: ["c", "c-key"], sockudo: ["id:a", "key:a-key", "id:c", "key:c-key"] });
  });

  it("are swept with one reading of the table", async () => {
    await cache().apply(changes(insert("a"), insert("gone")));
    for (const id of ["a", "b"]) table.set(id, app(id));
    held.get(SOCKUDO_FORMAT)?.set("key:a-key", "{}");
    held.get(SOCKUDO_FORMAT)?.set("key:old", SOCKUDO_FORMAT.json(app("a")));
    const outcome = await sweep({ cache: cache(), table: reader, remainingMs: () => 60_000 });
    // a in one of them and b in both; gone under two names in each, and the old key.
    expect(outcome).toMatchObject({ apps: 2, repaired: 2, removed: 5, unsettled: 0, foreign: 0 });
    expect(names()).toEqual({
      soketi: ["a", "a-key", "b", "b-key"],
      sockudo: ["id:a", "key:a-key", "id:b", "key:b-key"],
    });
    expect(pages).toBe(1);
  });

  it("have one list of what sockudo has no word for", () => {
    const limited = { ...app("a"), limits: { ...app("a").limits, maxReadRequestsPerSecond: 5 } };
    expect(cache().problemsOf(limited)).toMatchObject([{ code: "sockudo-limit-ignored", severity: "error" }]);
    expect(
      new SharedCache({ mode: "refresh", stores: [storeOf(SOKETI_FORMAT)] }).problemsOf(limited),
    ).toEqual([]);
  });
});
