import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeChanges,
  encodeFlush,
  MAX_BYTES,
  MAX_CHANGES,
  type EncodedMessage,
} from "../../../src/protocol/encode.ts";
import { decodeInvalidations, encodeLiveChanges } from "../../../src/protocol/live.ts";
import { type Change, decodeMessage, MAX_HASH_KEY_BYTES } from "../../../src/protocol/message.ts";

const header = { table: "apps", region: "eu-west-1", at: 1_700_000_000_000 };

function change(appId: string, extra: Partial<Change> = {}): Change {
  return { appId, type: "updated", keys: [`${appId}-key`], changed: ["enabled"], ...extra };
}

function changesOf(messages: readonly (string | EncodedMessage)[]): Change[] {
  return messages.flatMap((message) => {
    const decoded = decodeMessage(typeof message === "string" ? message : message.whole);
    if (decoded.kind !== "changes") throw new Error(`expected changes, found ${decoded.kind}`);
    return [...decoded.message.changes];
  });
}

describe("encodeChanges", () => {
  it("gives back every change in order, with the header in each message", () => {
    const changes = Array.from({ length: 250 }, (_, i) => change(`app-${i}`, { writtenAt: i }));
    const messages = encodeChanges(changes, header);
    expect(messages.map((message) => changesOf([message]).length)).toEqual([MAX_CHANGES, MAX_CHANGES, 50]);
    expect(changesOf(messages)).toEqual(changes);
    for (const { whole } of messages) expect(JSON.parse(whole)).toMatchObject({ v: 1, ...header });
  });

  it("has in each live message what is in the one beside it", () => {
    const changes = Array.from({ length: 250 }, (_, i) => change(`app-${i}`));
    for (const { whole, live } of encodeChanges(changes, header)) {
      const action = decodeInvalidations(live);
      const named = action.kind === "changes" ? action.message.changes.map(({ appId }) => appId) : [];
      expect(named).toEqual(changesOf([whole]).map(({ appId }) => appId));
    }
  });

  it.each([
    [25, 25],
    [26, 0],
  ])("of %d changes at once, %d have their view", (count, views) => {
    const app = { id: "a" } as unknown as NonNullable<Change["app"]>;
    const messages = encodeChanges(
      Array.from({ length: count }, (_, i) => change(`app-${i}`, { app })),
      header,
    );
    expect(
      messages
        .map(({ whole }) => whole)
        .join("")
        .split('"app":{').length - 1,
    ).toBe(views);
  });

  it("writes nothing for no changes", () => {
    expect(encodeChanges([], header)).toEqual([]);
  });

  it("keeps every message within the byte limit, counted in bytes and not in characters", () => {
    const changes = Array.from({ length: 40 }, (_, i) => change(`app-${i}`, { keys: ["é".repeat(2000)] }));
    const messages = encodeChanges(changes, header);
    expect(messages.length).toBeGreaterThan(1);
    for (const { whole } of messages) expect(Buffer.byteLength(whole)).toBeLessThanOrEqual(MAX_BYTES);
    expect(changesOf(messages)).toEqual(changes);
  });

  it("sends a change whose view is too large without the view", () => {
    const app = { id: "big", key: "k", webhooks: [{ url: "x".repeat(MAX_BYTES) }] } as unknown as NonNullable<
      Change["app"]
    >;
    const sent = changesOf(encodeChanges([change("a"), change("big", { app }), change("b")], header));
    expect(sent.map(({ appId }) => appId)).toEqual(["a", "big", "b"]);
    expect(sent[1]?.app).toBeUndefined();
  });
});

describe("a live message", () => {
  it("has the key of an app also where no former one is told", () => {
    const live = encodeLiveChanges([{ appId: "a", type: "updated", keys: [], key: "k" }], 5);
    expect(live).toBe('[1,5,[["u","a",["k"]]]]');
  });

  it("that asks for a flush says why, and when", () => {
    expect(decodeInvalidations(encodeFlush("why", 5).live)).toEqual({
      kind: "flush",
      message: { v: 1, flush: "why", at: 5 },
    });
  });
});

describe("decodeMessage", () => {
  it("reads a flush", () => {
    expect(decodeMessage(encodeFlush("why", 5).whole)).toEqual({
      kind: "flush",
      message: { v: 1, flush: "why", at: 5 },
    });
    expect(decodeMessage(encodeFlush("why", 5, "alice").whole)).toMatchObject({ message: { by: "alice" } });
  });

  it.each([
    ["", "malformed"],
    ["not json", "malformed"],
    ["null", "malformed"],
    ["[]", "malformed"],
    ['"text"', "malformed"],
    ["{}", "malformed"],
    ['{"v":"1"}', "malformed"],
    ['{"v":2,"changes":[]}', "unsupported"],
    ['{"v":0}', "unsupported"],
    ['{"v":1}', "malformed"],
    ['{"v":1,"flush":1}', "malformed"],
    ['{"v":1,"table":"t","at":1}', "malformed"],
    ['{"v":1,"table":"t","at":"1","changes":[]}', "malformed"],
    ['{"v":1,"at":1,"changes":[]}', "malformed"],
    ['{"v":1,"table":"t","at":1,"changes":[{}]}', "malformed"],
    ['{"v":1,"table":"t","at":1,"changes":[{"appId":"","keys":[]}]}', "malformed"],
    ['{"v":1,"table":"t","at":1,"changes":[{"appId":"a","keys":[1]}]}', "malformed"],
    ['{"v":1,"table":"t","at":1,"changes":[{"appId":"a","keys":[]},null]}', "malformed"],
    ['{"v":1,"table":"t","at":1,"changes":[]}', "changes"],
    ['{"v":1,"flush":"x"}', "flush"],
  ])("says of %s: %s", (json, kind) => {
    expect(decodeMessage(json).kind).toBe(kind);
  });

  it("takes an app id as long as DynamoDB does, and no longer: each read of that would fail", () => {
    const kindOf = (appId: string) =>
      decodeMessage(JSON.stringify({ v: 1, table: "t", at: 1, changes: [{ appId, keys: [] }] })).kind;
    expect(kindOf("é".repeat(MAX_HASH_KEY_BYTES / 2))).toBe("changes");
    expect(kindOf(`${"é".repeat(MAX_HASH_KEY_BYTES / 2)}x`)).toBe("malformed");
  });

  it("ignores what it does not know, so that version 1 can grow", () => {
    const json =
      '{"v":1,"table":"t","at":1,"new":{},"changes":[{"appId":"a","keys":["k"],"type":"renamed","x":1}]}';
    expect(decodeMessage(json)).toEqual({
      kind: "changes",
      message: {
        v: 1,
        table: "t",
        at: 1,
        changes: [{ appId: "a", type: "updated", keys: ["k"], changed: [] }],
      },
    });
  });

  it("takes a view only when it is of the same app and has a key", () => {
    const long = "k".repeat(MAX_HASH_KEY_BYTES + 1);
    const views = [
      { id: "b", key: "k" },
      { id: "a" },
      { id: "a", key: "" },
      { id: "a", key: long },
      "a",
      { id: "a", key: "k" },
    ];
    const json = JSON.stringify({
      v: 1,
      table: "t",
      at: 1,
      changes: views.map((app) => ({ appId: "a", keys: [], type: "updated", changed: [], app })),
    });
    expect(changesOf([json]).map(({ app }) => app?.key)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      "k",
    ]);
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `{"v":1,"changes":${json}}`),
        ),
        (json) => {
          expect(["changes", "flush", "unsupported", "malformed"]).toContain(decodeMessage(json).kind);
        },
      ),
    );
  });

  it.each([
    ["{", "expected JSON"],
    ["[]", "expected a JSON object"],
    ["{}", "expected a number in v"],
    ['{"v":1,"flush":1}', "expected text in flush"],
    ['{"v":1,"at":1,"changes":[]}', "expected text in table"],
    ['{"v":1,"table":"t","changes":[]}', "expected a number in at"],
    ['{"v":1,"table":"t","at":1}', "expected a list in changes"],
    [
      '{"v":1,"table":"t","at":1,"changes":[{"appId":"a","keys":[]},{"appId":5,"keys":[]}]}',
      "changes[1]: expected an appId and a list of keys",
    ],
  ])("says what is wrong with %s", (json, reason) => {
    expect(decodeMessage(json)).toEqual({ kind: "malformed", reason });
  });

  it("gives back each type, the region and the time of the write; and none that is of another type", () => {
    const changes = [change("a", { type: "created" }), change("b", { type: "deleted", writtenAt: 7 })];
    expect(decodeMessage(encodeChanges(changes, header)[0]?.whole ?? "")).toEqual({
      kind: "changes",
      message: { v: 1, ...header, changes },
    });
    const odd = {
      appId: "a",
      keys: [],
      type: "updated",
      changed: "all",
      writtenAt: "7",
      app: { id: "a", key: 5 },
    };
    expect(decodeMessage(JSON.stringify({ v: 1, table: "t", region: 5, at: 1, changes: [odd] }))).toEqual({
      kind: "changes",
      message: { v: 1, table: "t", at: 1, changes: [{ appId: "a", keys: [], type: "updated", changed: [] }] },
    });
    expect(decodeMessage('{"v":1,"flush":"x","at":"5"}')).toEqual({
      kind: "flush",
      message: { v: 1, flush: "x" },
    });
  });
});

describe("the room of a message", () => {
  const head = JSON.stringify({ v: 1, ...header }).slice(0, -1) + ',"changes":[';
  const room = MAX_BYTES - Buffer.byteLength(head) - 2;
  const sized = (appId: string, bytes: number, app?: Change["app"]) => {
    const bare = change(appId, { changed: [""], app });
    const missing = bytes - Buffer.byteLength(JSON.stringify(bare));
    return { ...bare, changed: ["x".repeat(missing)] };
  };

  it("is filled to the last byte, and not past it", () => {
    // Each change is counted with a comma.
    const half = Math.floor(room / 2) - 1;
    expect(encodeChanges([sized("a", half), sized("b", room - half - 2)], header)).toHaveLength(1);
    expect(encodeChanges([sized("a", half), sized("b", room - half - 1)], header)).toHaveLength(2);
  });

  it("a view is left out only when its change does not fit in a message of its own", () => {
    const app = { id: "a", key: "k" } as unknown as NonNullable<Change["app"]>;
    const [fits] = changesOf(encodeChanges([sized("a", room - 1, app)], header));
    expect(fits).toHaveProperty("app");
    const [large] = changesOf(encodeChanges([sized("a", room, app)], header));
    expect(large?.app).toBeUndefined();
    const [larger] = changesOf(encodeChanges([sized("a", room + 1_000)], header));
    expect(larger?.appId).toBe("a");
  });
});

describe("who has made a change, and why", () => {
  const decoded = (notes: object) => {
    const json = JSON.stringify({ v: 1, ...header, ...notes, changes: [change("a")] });
    const { message } = decodeMessage(json) as { message: { by?: string; reason?: string } };
    return [message.by, message.reason];
  };

  it("is read as text, of up to 500 characters, and nothing else is", () => {
    expect(decoded({ by: "ops", reason: "leak" })).toEqual(["ops", "leak"]);
    expect(decoded({})).toEqual([undefined, undefined]);
    expect(decoded({ by: "", reason: 5 })).toEqual([undefined, undefined]);
    expect(decoded({ by: { a: 1 }, reason: null })).toEqual([undefined, undefined]);
    expect(decoded({ by: "b".repeat(501), reason: "r".repeat(500) })).toEqual([
      "b".repeat(500),
      "r".repeat(500),
    ]);
  });
});
