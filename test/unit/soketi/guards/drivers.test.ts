import { EventEmitter } from "node:events";
import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import type { AdapterDriver, Cache, GuardedServer } from "../../../../src/soketi/guards/soketi-parts.ts";
import { connected, idle, realSoketi } from "./real-soketi.ts";

const away = () => Promise.reject(new Error("Connection is closed."));

/** An adapter between nodes, of which only what is guarded is there. */
async function horizontal(driver: Partial<AdapterDriver>) {
  const soketi = realSoketi();
  const parts = {
    uuid: "me",
    init: () => Promise.resolve(),
    getUserSockets: () => Promise.resolve(new Set()),
    ...driver,
  };
  const adapter = Object.assign(Object.create(soketi.adapter) as typeof soketi.adapter, { driver: parts });
  soketi.server.setAdapter(adapter);
  await parts.init();
  return { driver: parts as AdapterDriver, caught: soketi.caught };
}

describe("an adapter between nodes", () => {
  it.each([
    ["rejects", away],
    [
      "throws",
      () => {
        throw new Error("no connection");
      },
    ],
    ["does not answer", () => new Promise<number>(() => undefined)],
  ])("whose Redis %s: there is one node", async (_, getNumSub) => {
    const { driver, caught } = await horizontal({ getNumSub, requestsTimeout: 1 });
    expect(await driver.getNumSub?.()).toBe(1);
    expect(caught).toEqual(["drivers: could not determine the number of nodes"]);
  });

  it("whose Redis answers: as many as it says", async () => {
    const { driver, caught } = await horizontal({ getNumSub: () => Promise.resolve(3) });
    expect([await driver.getNumSub?.(), caught]).toEqual([3, []]);
  });

  it("sends what it can, and lives with what it cannot", async () => {
    const sent: string[] = [];
    const { driver, caught } = await horizontal({
      pubClient: { publish: (_, data) => (data === "good" ? Promise.resolve(sent.push(data)) : away()) },
      broadcastToChannel: (channel, data) => void driver.pubClient?.publish(channel, data),
    });
    driver.broadcastToChannel?.("channel", "good");
    driver.broadcastToChannel?.("channel", "bad");
    await idle();
    expect([sent, caught]).toEqual([["good"], ["drivers: could not send to other nodes"]]);
  });

  it("keeps so much for a Redis that does not answer, and no more", async () => {
    const answers: (() => void)[] = [];
    const { driver, caught } = await horizontal({
      pubClient: { publish: () => new Promise((resolve) => answers.push(() => resolve(1))) },
    });
    const megabyte = "x".repeat(1_000_000);
    const send = () => driver.pubClient?.publish("channel", megabyte);
    for (let i = 0; i < 32; i += 1) void send();
    expect(await send()).toBe(0);
    expect([answers.length, caught]).toEqual([32, ["drivers: could not send to other nodes"]]);
    answers[0]?.();
    await idle();
    void send();
    expect([answers.length, caught.length]).toEqual([33, 1]);
  });

  it("has errors of its connections printed without the command, which may hold a password", async () => {
    const printed: unknown[] = [];
    const connection = () => Object.assign(new EventEmitter(), { publish: () => Promise.resolve(1) });
    const [pubClient, subClient] = [connection(), connection()];
    await horizontal({ pubClient, subClient });
    const failing = (message: string, name = "auth") =>
      Object.assign(new Error(message), { command: { name, args: ["user", "s3cret"] } });
    for (const client of [pubClient, subClient]) {
      client.on("error", (error) => printed.push(error));
      client.emit("error", failing("WRONGPASS invalid username-password pair"));
      client.emit("error", failing("ERR unknown command 'auth', with args beginning with: 'user' 's3cret'"));
      client.emit("error", Object.assign(new Error("Failed"), { lastNodeError: failing("NOAUTH", "hello") }));
    }
    const texts = inspect(printed, { depth: null });
    expect(printed).toHaveLength(6);
    expect(texts).toContain("WRONGPASS invalid username-password pair");
    expect(texts).not.toContain("s3cret");
  });

  const event = { uuid: "other", appId: "a", channel: "room", data: '{"event":"x"}' };
  it.each([
    ["a text", JSON.stringify(event), true],
    ["a buffer", Buffer.from(JSON.stringify(event)), true],
    ["its own", JSON.stringify({ ...event, uuid: "me", data: "{" }), true],
    ["no JSON", "{", false],
    ["null", "null", false],
    ["a channel that is a number", JSON.stringify({ ...event, channel: 5 }), false],
    ["a channel that is a list", JSON.stringify({ ...event, channel: ["room"] }), false],
    ["data that is no text", JSON.stringify({ ...event, data: {} }), false],
    ["data that is no JSON", JSON.stringify({ ...event, data: "{" }), false],
    ["data that is null", JSON.stringify({ ...event, data: "null" }), false],
  ])("takes a message of another node that is %s: %#", async (_, message, isTaken) => {
    const taken: unknown[] = [];
    const { driver, caught } = await horizontal({ onMessage: (...args) => taken.push(args) });
    driver.onMessage?.("pattern", "channel", message);
    expect(taken).toEqual(isTaken ? [["pattern", "channel", message]] : []);
    expect(caught).toHaveLength(isTaken ? 0 : 1);
  });

  it.each([
    ["text", JSON.stringify(event), true],
    ["map", event, true],
    ["text with data that is no JSON", JSON.stringify({ ...event, data: "{" }), false],
    ["map with data that is no JSON", { ...event, data: "{" }, false],
    ["map with a channel that is a list", { ...event, channel: ["room"] }, false],
    ["list", [event], false],
  ])(
    "takes a %s of node-discover's, which has the datagram and its origin behind it",
    async (_, data, isTaken) => {
      const taken: unknown[] = [];
      const { driver, caught } = await horizontal({ onMessage: (...args) => taken.push(args) });
      driver.onMessage?.(data, { event: "cluster-adapter", data }, { address: "127.0.0.1" });
      expect([taken.length, caught.length]).toEqual(isTaken ? [1, 0] : [0, 1]);
    },
  );

  it.each([
    [event, true],
    [{ ...event, data: "null" }, false],
    [null, false],
  ])("takes the bytes of NATS: %#", async (content, isTaken) => {
    const taken: unknown[] = [];
    const { driver } = await horizontal({ onMessage: (message) => taken.push(message) });
    driver.onMessage?.({ subject: "nats-adapter", data: new TextEncoder().encode(JSON.stringify(content)) });
    expect(taken).toHaveLength(isTaken ? 1 : 0);
  });

  const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
  const question = { requestId: "1", appId: "a", type: 3 };
  it.each([
    [JSON.stringify(question), true],
    [JSON.stringify({ ...question, opts: { channel: "room" } }), true],
    ["null", false],
    ["{}", false],
    [JSON.stringify({ ...question, appId: { toString: null } }), false],
    [JSON.stringify({ ...question, requestId: ["1"] }), false],
    [JSON.stringify({ ...question, opts: { userId: { toString: null } } }), false],
    [`{"requestId":"1","appId":"a","type":3,"x":${deep}}`, false],
  ])("asks soketi what it can answer, and nothing else: %#", async (text, isTaken) => {
    const taken: unknown[] = [];
    const { driver, caught } = await horizontal({ onRequest: (...args) => taken.push(args) });
    driver.onRequest?.("channel", text);
    driver.onRequest?.(text, {}, { address: "127.0.0.1" });
    expect([taken.length, caught.length]).toEqual(isTaken ? [2, 0] : [0, 2]);
  });

  it.each(["onMessage", "onRequest", "onResponse"] as const)("outlives an %s that throws", async (name) => {
    const { driver, caught } = await horizontal({
      [name]: () => {
        throw new TypeError("Cannot destructure property 'appId' of 'request' as it is undefined.");
      },
    });
    expect(() =>
      driver[name]?.("channel", JSON.stringify({ requestId: "1", appId: "a", type: 0 })),
    ).not.toThrow();
    expect(caught).toEqual(["drivers: a message of another node"]);
  });
});

describe("a cache that is away", () => {
  it("has nothing, and takes nothing", async () => {
    const soketi = realSoketi();
    const cache = { has: away, get: away, set: away, disconnect: away };
    soketi.server.setCacheManager(cache);
    expect([
      await cache.has(),
      await (cache.get as (key: string) => unknown)("a"),
      await cache.set(),
    ]).toEqual([false, null, false]);
    await cache.disconnect();
    expect(soketi.caught).toHaveLength(4);
  });

  it("and has not said so has nothing, in time", async () => {
    vi.useFakeTimers();
    try {
      const soketi = realSoketi();
      const never = () => new Promise<never>(() => undefined);
      soketi.server.setCacheManager({ has: never, get: never, set: never, disconnect: never });
      const { cacheManager } = soketi.server as unknown as { cacheManager: Cache };
      const answers = Promise.all([cacheManager.has("a"), cacheManager.get("a"), cacheManager.set("a", 1)]);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(await answers).toEqual([false, null, false]);
      expect(soketi.caught).toHaveLength(3);
    } finally {
      vi.useRealTimers();
    }
  });

  it.each(["{", "5", "null", "[]"])("holds %s for the event of a channel: it has none", async (content) => {
    const soketi = realSoketi();
    soketi.cache.set("app:a:channel:cache-x:cache_miss", content);
    soketi.cache.set("app:a", content);
    const { cacheManager } = soketi.server as unknown as {
      cacheManager: { get(key: string): Promise<unknown> };
    };
    expect(await cacheManager.get("app:a:channel:cache-x:cache_miss")).toBeNull();
    expect(await cacheManager.get("app:a")).toBe(content);
  });
});

describe("a rate limiter", () => {
  const speak = async (soketi: ReturnType<typeof realSoketi>) => {
    const socket = await connected(soketi);
    socket.say({ event: "pusher:subscribe", data: { channel: "room" } });
    await idle();
    socket.sent.length = 0;
    socket.say({ event: "client-x", channel: "room", data: 1 });
    await idle();
    return socket;
  };
  const app = { enableClientMessages: true, maxClientEventsPerSecond: 5 };

  it.each(["redis", "local"])(
    "that fails (%s) refuses, as soketi's own does when its Redis is away",
    async (rateLimiter) => {
      const soketi = realSoketi({ app, consume: away, rateLimiter });
      const socket = await speak(soketi);
      expect(socket.sent[0]?.data).toMatchObject({ code: 4301 });
      expect(soketi.caught).toEqual(["drivers: a rate limiter"]);
    },
  );

  it("that does not answer refuses, in time", async () => {
    const soketi = realSoketi({ app, consume: () => new Promise(() => undefined) });
    const socket = await connected(soketi);
    vi.useFakeTimers();
    try {
      const answer = soketi.limiter.consumeFrontendEventPoints(1, socket.app as never, socket);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(await answer).toMatchObject({ canContinue: false });
    } finally {
      vi.useRealTimers();
    }
    expect(soketi.caught).toEqual(["drivers: a rate limiter"]);
  });

  it("of a connection goes with it", async () => {
    const soketi = realSoketi({ app });
    const socket = await speak(soketi);
    expect(Object.keys(soketi.limiter.rateLimiters)).toHaveLength(1);
    socket.leave();
    await idle();
    await soketi.limiter.consumeFrontendEventPoints(1, socket.app as never, socket);
    expect(soketi.limiter.rateLimiters).toEqual({});
  });

  it("of a connection stays for ever with soketi alone", async () => {
    const soketi = realSoketi({ app, on: [] });
    const socket = await speak(soketi);
    socket.leave();
    await idle();
    expect(Object.keys(soketi.limiter.rateLimiters)).toHaveLength(1);
  });
});

it.each([
  ["fails", away],
  ["does not come", () => new Promise<void>(() => undefined)],
])("parts whose end %s end in time, so that soketi stops", async (_, disconnect) => {
  vi.useFakeTimers();
  try {
    const soketi = realSoketi({ adapter: () => ({ disconnect }) });
    const ends = [soketi.adapter.disconnect(), soketi.limiter.disconnect()];
    await vi.advanceTimersByTimeAsync(2_000);
    await Promise.all(ends);
    expect(soketi.caught).toEqual(["drivers: the adapter did not end"]);
  } finally {
    vi.useRealTimers();
  }
});

describe("discovery", () => {
  const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
  const iid = "0f8fad5b-d9cb-469f-a165-70867728950e";

  /** node-discover's network, as far as it is guarded: it decodes what comes, and emits it. */
  class Network extends EventEmitter {
    readonly socket = new EventEmitter();
    encode(data: unknown, done: (error: unknown, encoded: string | null) => void): void {
      done(null, JSON.stringify(data));
    }
    decode(datagram: unknown, done: (error: unknown, decoded?: unknown) => void): void {
      done(null, JSON.parse(String(datagram)));
    }
    receive(datagram: string): void {
      this.decode(datagram, (error, decoded) => {
        if (!error) this.emit((decoded as { event: string }).event, decoded);
      });
    }
  }

  const discovery = () => {
    const network = new Network();
    const sent: unknown[] = [];
    const joined = new Map<string, (data: unknown) => void>();
    const discover: NonNullable<GuardedServer["discover"]> = {
      broadcast: network,
      send: (...args) => sent.push(args),
      join: (channel, listener) => joined.set(channel, listener),
    };
    return { network, sent, joined, discover, soketi: realSoketi({ discover }) };
  };

  it("takes what a node says", () => {
    const { network, soketi } = discovery();
    const heard: unknown[] = [];
    network.on("hello", (data) => heard.push(data));
    network.receive(JSON.stringify({ event: "hello", iid }));
    expect(heard).toEqual([{ event: "hello", iid }]);
    expect(soketi.caught).toEqual([]);
  });

  it.each([
    "null",
    "5",
    "[]",
    '{"event":"hello"}',
    '{"event":"hello","iid":"__proto__"}',
    '{"event":"hello","iid":5}',
    `{"event":"hello","iid":"${iid}","pid":{"toString":null}}`,
    `{"event":"hello","iid":"${iid}","pid":${deep}}`,
    `{"event":{"toString":null},"iid":"${iid}","data":1}`,
    `{"event":"hello","iid":"${iid}","data":${deep}}`,
  ])("passes over %s", (datagram) => {
    const { network, soketi } = discovery();
    network.on("hello", () => expect.unreachable());
    network.receive(datagram);
    expect(soketi.caught).toEqual(["discovery: a datagram that is of no node"]);
  });

  it.each([
    ["x".repeat(20_000), 0],
    ["x".repeat(65_505), 0],
    ["x".repeat(65_506), 1],
    ["é".repeat(40_000), 1],
  ])("tells of what is larger than a datagram: %#", (text, times) => {
    const { network, soketi } = discovery();
    network.encode(text, (_, encoded) => expect(encoded).toHaveLength(text.length + 2));
    expect(soketi.caught).toHaveLength(times);
  });

  it("outlives a listener that throws, and an error of the socket", () => {
    const { network, soketi } = discovery();
    network.on("hello", () => {
      throw new TypeError("Cannot read properties of undefined");
    });
    network.receive(JSON.stringify({ event: "hello", iid }));
    network.socket.emit("error", new Error("getaddrinfo ENOTFOUND node-2"));
    expect(soketi.caught).toEqual([
      "discovery: a datagram of another node",
      "discovery: could not send a datagram to other nodes",
    ]);
    expect(() => new Network().socket.emit("error", new Error("getaddrinfo"))).toThrow("getaddrinfo");
  });

  it("neither sends an app to the whole network nor listens to who does", () => {
    const { discover, sent, joined } = discovery();
    const heard: unknown[] = [];
    discover.join("rate_limiter:consume", (data) => heard.push(data));
    discover.join("other", (data) => heard.push(data));
    for (const listener of joined.values()) listener(1);
    discover.send("rate_limiter:consume", { app: { secret: "s" } });
    discover.send("other", 2);
    expect([heard, sent]).toEqual([[1], [["other", 2]]]);
  });
});
