import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { type CacheFormat, SOCKUDO_FORMAT, SOKETI_FORMAT } from "../../../src/pipeline/cache-format.ts";
import type { AppCacheStore, BatchOutcome } from "../../../src/pipeline/ports.ts";
import { runBatch, type BatchContext } from "../../../src/pipeline/run-batch.ts";
import { SharedCache } from "../../../src/pipeline/shared-cache.ts";
import type { EncodedMessage } from "../../../src/protocol/encode.ts";
import { type Change, decodeMessage } from "../../../src/protocol/message.ts";
import { insert, modify, remove } from "../../factories/stream-event.ts";

let published: EncodedMessage[][];
let outcomes: BatchOutcome[];
let reports: string[];
let started: string[];
let context: BatchContext;

function logWith(append: () => Promise<unknown>): BatchContext["log"] {
  return { append, makeRoom: () => Promise.resolve(false) };
}

beforeEach(() => {
  published = [];
  outcomes = [];
  reports = [];
  started = [];
  context = {
    log: {
      append: (messages) => {
        published.push([...messages]);
        return Promise.resolve();
      },
      makeRoom: () => Promise.resolve(false),
    },
    report: {
      itemProblems: (appId, problems) =>
        reports.push(`${appId}: ${problems.map(({ code }) => code).join(",")}`),
      unreadableRecord: (sequenceNumber, reason) => reports.push(`unreadable ${sequenceNumber}: ${reason}`),
      notRefreshed: (appIds) => reports.push(`not refreshed: ${appIds.join(",")}`),
      batchStarted: (sequenceNumber) => started.push(sequenceNumber),
      published: (outcome) => outcomes.push(outcome),
      publishFailed: (error, sequenceNumber) =>
        reports.push(`failed from ${sequenceNumber}: ${String(error)}`),
    },
    table: "apps",
    region: "eu-west-1",
    now: () => 1_700_000_000_500,
    remainingMs: () => 30_000,
  };
});

const run = (...records: unknown[]) => runBatch({ Records: records }, context);

function changes(): Change[] {
  return published.flat().flatMap(({ whole }) => {
    const decoded = decodeMessage(whole);
    return decoded.kind === "changes" ? [...decoded.message.changes] : [];
  });
}

describe("a batch", () => {
  it("publishes what changed, in one call, in order", async () => {
    const response = await run(insert("a"), modify("b", {}, { Enabled: { BOOL: false } }), remove("c"));
    expect(response).toEqual({ batchItemFailures: [] });
    expect(published).toHaveLength(1);
    expect(changes().map(({ appId, type }) => `${appId} ${type}`)).toEqual([
      "a created",
      "b updated",
      "c deleted",
    ]);
    expect(changes()[1]).toMatchObject({ keys: ["b-key"], changed: ["enabled"], app: { enabled: false } });
  });

  it("reads AWS's seconds as milliseconds, and measures the age of the oldest write", async () => {
    await run(insert("a", { at: 1_700_000_000 }), insert("b", { at: 1_699_999_990 }));
    expect(changes().map(({ writtenAt }) => writtenAt)).toEqual([1_700_000_000_000, 1_699_999_990_000]);
    expect(outcomes[0]?.ageMs).toBe(10_500);
  });

  it("says nothing when nothing that soketi reads has changed", async () => {
    await run(modify("a", {}, { Comment: { S: "new" }, "aws:rep:updatetime": { N: "1" } }));
    expect(published).toEqual([]);
    expect(outcomes).toMatchObject([{ records: 1, published: 0, unchanged: 1, messages: 0 }]);
  });

  it("says nothing when a value changes its spelling and not its meaning", async () => {
    await run(modify("a", { Enabled: { B: "ZmFsc2U=" } }, { Enabled: { BOOL: false } }));
    expect(published).toEqual([]);
  });

  it("does not call Redis for an empty batch", async () => {
    await expect(run()).resolves.toEqual({ batchItemFailures: [] });
    expect(published).toEqual([]);
  });

  it("never publishes a secret", async () => {
    const webhooks = [
      {
        url: "https://user:s3cret@hooks.example.com/s3cret?t=s3cret",
        headers: { Authorization: "s3cret" },
        event_types: ["client_event"],
      },
    ];
    await run(
      insert("a", { item: { AppSecret: { S: "s3cret" }, Webhooks: { S: JSON.stringify(webhooks) } } }),
    );
    expect(changes()).toHaveLength(1);
    expect(JSON.stringify(published)).toContain("https://hooks.example.com");
    expect(JSON.stringify(published)).not.toContain("s3cret");
  });
});

describe("several changes of one app", () => {
  it("become one, at the place of the last, with every key", async () => {
    await run(
      modify("a", { AppKey: { S: "k1" } }, { AppKey: { S: "k2" } }),
      insert("b"),
      modify("a", { AppKey: { S: "k2" } }, { AppKey: { S: "k3" }, Enabled: { BOOL: false } }),
    );
    expect(changes()).toMatchObject([
      { appId: "b" },
      {
        appId: "a",
        type: "updated",
        keys: ["k3", "k2", "k1"],
        changed: ["enabled", "key"],
        app: { key: "k3" },
      },
    ]);
    expect(outcomes).toMatchObject([{ published: 2, coalesced: 1 }]);
  });

  it.each([
    ["created and updated", [insert("a"), modify("a", {}, { Enabled: { BOOL: false } })], "created"],
    ["updated and deleted", [modify("a", {}, { Enabled: { BOOL: false } }), remove("a")], "deleted"],
    ["created and deleted", [insert("a"), remove("a")], "deleted"],
    // Two apps, under one id.
    ["deleted and created", [remove("a"), insert("a")], "deleted created"],
    [
      "updated, deleted, created and updated",
      [
        modify("a", {}, { Enabled: { BOOL: false } }),
        remove("a"),
        insert("a"),
        modify("a", {}, { Enabled: { BOOL: false } }),
      ],
      "deleted created",
    ],
  ])("%s", async (_, records, types) => {
    await run(...records);
    expect(
      changes()
        .map((change) => change.type)
        .join(" "),
    ).toEqual(types);
  });

  it("leave no view of a deleted app behind", async () => {
    await run(insert("a"), remove("a"));
    expect(changes()[0]?.app).toBeUndefined();
  });
});

describe("what cannot be read", () => {
  it("of an item is reported, and its app invalidated by id and key", async () => {
    const broken = { AppId: { S: "c" }, AppKey: { S: "c-key" } };
    await run(modify("a", {}, { AppSecret: { NULL: true } }), insert("b"), {
      ...insert("c"),
      dynamodb: { ...insert("c").dynamodb, NewImage: broken },
    });
    expect(changes().map(({ appId, type, keys }) => [appId, type, keys])).toEqual([
      ["a", "deleted", ["a-key"]],
      ["b", "created", ["b-key"]],
      ["c", "deleted", ["c-key"]],
    ]);
    expect(reports).toHaveLength(2);
  });

  it("of a record's images invalidates the app of its keys", async () => {
    const record = modify("a", {}, {});
    await run(
      { ...record, dynamodb: { ...record.dynamodb, OldImage: undefined, NewImage: "?" } },
      insert("b"),
    );
    expect(changes()).toMatchObject([{ appId: "a", type: "updated", keys: [] }, { appId: "b" }]);
  });

  it("at all flushes, and the others are published", async () => {
    const keyless = { ...insert("x"), dynamodb: { SequenceNumber: "7", Keys: { Id: { S: "x" } } } };
    await run(insert("a"), null, 7, {}, keyless, insert("b"));
    expect(changes().map(({ appId }) => appId)).toEqual(["a", "b"]);
    expect(published.flat().map(({ whole }) => decodeMessage(whole).kind)).toEqual(["changes", "flush"]);
    expect(outcomes).toMatchObject([{ unreadable: 4 }]);
    expect(reports.at(-1)).toBe("unreadable 7: expected Keys with a text AppId, found Id");
  });

  it("for its AppId, which no table takes, flushes; the message of the others stays readable", async () => {
    await run(insert("x".repeat(2_049)), insert("x".repeat(2_048)));
    expect(changes().map(({ appId }) => appId.length)).toEqual([2_048]);
    expect(published.flat().map(({ whole }) => decodeMessage(whole).kind)).toEqual(["changes", "flush"]);
  });

  it("as an event is said clearly", async () => {
    await expect(runBatch({ hello: "world" }, context)).rejects.toThrow(/expected a DynamoDB Streams event/);
    await expect(runBatch(undefined, context)).rejects.toThrow(TypeError);
  });
});

describe("a failed publish", () => {
  it("sends the batch back from its lowest sequence number, compared as a number", async () => {
    context = { ...context, log: logWith(() => Promise.reject(new Error("no Redis"))) };
    const response = await run(
      insert("a", { sequenceNumber: "100000000000000000000000000000000000010" }),
      insert("b", { sequenceNumber: "99999999999999999999999999999999999999" }),
    );
    expect(response).toEqual({
      batchItemFailures: [{ itemIdentifier: "99999999999999999999999999999999999999" }],
    });
    expect(reports).toEqual(["failed from 99999999999999999999999999999999999999: Error: no Redis"]);
  });

  it("sends the whole batch back when a sequence number is missing", async () => {
    context = { ...context, log: logWith(() => Promise.reject(new Error("no Redis"))) };
    const { batchItemFailures } = await run(insert("a"), insert("b", { sequenceNumber: "" }));
    expect(batchItemFailures).toEqual([{ itemIdentifier: "" }]);
  });

  it.each<[string, Partial<BatchContext>, RegExp]>([
    [
      "Redis",
      { log: logWith(() => new Promise<void>(() => undefined)) },
      /expected Redis to take the messages before the function's time-out/,
    ],
    [
      "whoever has its login",
      { prepare: () => new Promise<void>(() => undefined) },
      /expected Redis' login to be read before the function's time-out/,
    ],
  ])(
    "is answered before the function's time is up, and says that it waited for %s",
    async (_, slow, words) => {
      context = { ...context, remainingMs: () => 500, ...slow };
      const { batchItemFailures } = await run(insert("a", { sequenceNumber: "5" }));
      expect(batchItemFailures).toEqual([{ itemIdentifier: "5" }]);
      expect(reports[0]).toMatch(words);
    },
  );
});

describe("a shared cache of servers that read no table themselves", () => {
  it("keeps the app of a record without its new image, which is told of", async () => {
    const writes: string[] = [];
    const store: AppCacheStore = {
      format: SOCKUDO_FORMAT,
      read: () => Promise.resolve([]),
      fences: () => Promise.resolve([]),
      write: (all) => {
        writes.push(...all.map(({ name }) => name));
        return Promise.resolve(all.map(() => "done"));
      },
      removeSame: () => Promise.resolve(0),
      readWhole: () => Promise.resolve(undefined),
      touch: () => Promise.resolve(),
      async *names() {
        yield await Promise.resolve([]);
      },
    };
    context = { ...context, sharedCache: new SharedCache({ mode: "refresh", stores: [store] }) };
    const { Keys, SequenceNumber } = modify("a", {}, {}).dynamodb;
    await run({ ...modify("a", {}, {}), dynamodb: { Keys, SequenceNumber } }, insert("b"));
    expect(writes).toEqual(["id:b", "key:b-key"]);
    expect(reports).toEqual(["not refreshed: a"]);
    expect(changes().map(({ appId, type }) => `${appId} ${type}`)).toEqual(["a updated", "b created"]);
  });
});

describe("a shared cache that Redis has no room for", () => {
  let steps: string[];
  let isFull: boolean;

  function store(format: CacheFormat): AppCacheStore {
    return {
      format,
      read: () => Promise.resolve([]),
      fences: () => Promise.resolve([]),
      write: (writes) => {
        for (const { name, json } of writes)
          steps.push(json === undefined ? `remove ${name}` : `set ${name}`);
        return Promise.resolve(writes.map(({ json }) => (json !== undefined && isFull ? "full" : "done")));
      },
      removeSame: () => Promise.resolve(0),
      readWhole: () => Promise.resolve(undefined),
      touch: () => Promise.resolve(),
      async *names() {
        yield await Promise.resolve([]);
      },
    };
  }

  /** @param suffices whether half of the log is enough; undefined: there is no log to give up. */
  function full(suffices: boolean | undefined, ...formats: readonly CacheFormat[]): void {
    steps = [];
    isFull = true;
    const log: BatchContext["log"] = {
      append: () => Promise.resolve(steps.push("append")),
      makeRoom() {
        steps.push("make room");
        isFull = suffices !== true;
        return Promise.resolve(suffices !== undefined);
      },
    };
    const sharedCache = new SharedCache({ mode: "refresh", stores: formats.map(store) });
    context = { ...context, log, sharedCache };
  }

  const SET = ["set a", "set a-key"];
  const SOCKUDO_SET = ["set id:a", "set key:a-key"];

  it("is written again with half of the log, before anything is published", async () => {
    full(true, SOKETI_FORMAT);
    expect(await run(insert("a"))).toEqual({ batchItemFailures: [] });
    expect(steps).toEqual([...SET, "make room", ...SET, "append"]);
    expect(reports).toEqual([]);
  });

  it("that has no format of servers that depend on it is told of to nobody: they read the table", async () => {
    full(false, SOKETI_FORMAT);
    await run(insert("a"));
    expect(steps).toEqual([...SET, "make room", ...SET, "append"]);
    expect(reports).toEqual([]);
  });

  it.each([[false], [undefined]])(
    "that servers depend on is reported, and the message sent: %s",
    async (suffices) => {
      full(suffices, SOCKUDO_FORMAT);
      expect(await run(insert("a"))).toEqual({ batchItemFailures: [] });
      const again = suffices === undefined ? [] : SOCKUDO_SET;
      expect(steps).toEqual([...SOCKUDO_SET, "make room", ...again, "append"]);
      expect(reports).toEqual(["not refreshed: a"]);
    },
  );

  it("is reported also when there is nothing to publish", async () => {
    full(false, SOCKUDO_FORMAT);
    await run(modify("a", {}, { Enabled: { S: "true" } }));
    expect(steps).not.toContain("append");
    expect(reports.filter((report) => report.startsWith("not refreshed"))).toEqual(["not refreshed: a"]);
  });

  it("and only gives apps up, makes no room", async () => {
    full(true, SOKETI_FORMAT);
    context = { ...context, sharedCache: new SharedCache({ mode: "evict", stores: [store(SOKETI_FORMAT)] }) };
    await run(insert("a"));
    expect(steps).toEqual(["remove a", "remove a-key", "append"]);
  });
});

describe("a whole event", () => {
  it("of AWS is read as it is: created, disabled in B, and deleted", async () => {
    const event: unknown = JSON.parse(
      readFileSync(new URL("../../factories/aws-event.json", import.meta.url), "utf8"),
    );
    await runBatch(event, context);
    expect(changes()).toMatchObject([
      {
        appId: "acme",
        type: "created",
        changed: ["enabled"],
        app: { enabled: false },
        writtenAt: 1_700_000_000_000,
      },
      { appId: "globex", type: "deleted", keys: ["globex-key"] },
    ]);
  });
});
