import { createHmac } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { connected, idle, open, realSoketi } from "./real-soketi.ts";

const sign = (text: string) => `k:${createHmac("sha256", "s").update(text).digest("hex")}`;
const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

/** What a client can send that soketi does not bear: name, text, what the client is answered. */
const HOSTILE: readonly [string, string, number | undefined][] = [
  ["unsubscribe without data", '{"event":"pusher:unsubscribe"}', 4300],
  ["unsubscribe with null", '{"event":"pusher:unsubscribe","data":null}', 4300],
  ["unsubscribe from a number", '{"event":"pusher:unsubscribe","data":{"channel":5}}', 4300],
  ["subscribe without data", '{"event":"pusher:subscribe"}', 4300],
  ["subscribe with null", '{"event":"pusher:subscribe","data":null}', 4300],
  ["subscribe to a map", '{"event":"pusher:subscribe","data":{"channel":{}}}', 4300],
  ["subscribe to a list", '{"event":"pusher:subscribe","data":{"channel":["abc"]}}', 4300],
  ["an event that can be no text", '{"event":{"toString":null}}', undefined],
  ["an event that is a list", '{"event":["client-x"],"channel":"room"}', undefined],
  ["a client event without a channel", '{"event":"client-x","data":1}', 4300],
  ["a client event in a list", '{"event":"client-x","channel":["room"]}', 4300],
  ["a ping that is nested deeply", `{"event":"pusher:ping","data":${deep(20_000)}}`, 4300],
  [
    "a client event that is nested deeply",
    `{"event":"client-x","channel":"room","data":${deep(20_000)}}`,
    4300,
  ],
  ["presence without a member", '{"event":"pusher:subscribe","data":{"channel":"presence-a"}}', 4300],
  [
    "presence of a map",
    '{"event":"pusher:subscribe","data":{"channel":"presence-a","channel_data":"{\\"user_id\\":{}}"}}',
    4300,
  ],
  ["a list", "[]", undefined],
  ["a number", "5", undefined],
  ["null", "null", undefined],
  ["an unknown event", '{"event":"pusher:x"}', undefined],
  ["no JSON", "{", undefined],
];

describe("messages", () => {
  it.each(HOSTILE)("%s: refused, and the connection goes on", async (_, text, code) => {
    const soketi = realSoketi({ app: { enableClientMessages: true } });
    const socket = await connected(soketi);
    socket.sayText(text);
    await idle();
    const error = code && { event: "pusher:error", data: { code, message: expect.any(String) as string } };
    expect(socket.sent).toEqual(error ? [error] : []);
    expect(soketi.caught.length).toBe(text === "{" ? 0 : 1);
    socket.say({ event: "pusher:ping" });
    expect(socket.sent.at(-1)?.event).toBe("pusher:pong");
  });

  const THROWING = [
    "without data",
    "with null",
    "from a number",
    "to a map",
    "can be no text",
    "event that is nested",
  ];
  it.each(HOSTILE.filter(([name]) => THROWING.some((words) => name.includes(words))))(
    "%s: soketi alone throws, and nobody catches it",
    async (_, text) => {
      const socket = await connected(realSoketi({ on: [], app: { enableClientMessages: true } }));
      expect(() => socket.sayText(text)).toThrow(/undefined|null|function|primitive|call stack/);
    },
  );

  it("a good one is soketi's: subscribe, unsubscribe, client event", async () => {
    const soketi = realSoketi({ app: { enableClientMessages: true } });
    const [speaker, listener] = [await connected(soketi), await connected(soketi)];
    for (const socket of [speaker, listener]) {
      const auth = sign(`${socket.id}:private-room`);
      socket.say({ event: "pusher:subscribe", data: { channel: "private-room", auth } });
      await idle();
      expect(socket.sent.pop()?.event).toBe("pusher_internal:subscription_succeeded");
    }
    speaker.say({ event: "client-hello", channel: "private-room", data: { n: 1 } });
    await idle();
    expect(listener.sent).toEqual([{ event: "client-hello", channel: "private-room", data: { n: 1 } }]);
    listener.say({ event: "pusher:unsubscribe", data: { channel: "private-room" } });
    await idle();
    expect(soketi.adapter.getNamespaces().get("a")?.channels.get("private-room")?.size).toBe(1);
    expect(soketi.caught).toEqual([]);
  });

  it("of an app that takes only small ones: one that is larger than anything it takes is not even parsed", async () => {
    const soketi = realSoketi({ app: { maxEventPayloadInKb: 1, maxPresenceMemberSizeInKb: 1 } });
    const socket = await connected(soketi);
    socket.say({ event: "client-x", channel: "room", data: "x".repeat(80_000) });
    expect(socket.sent[0]?.data).toMatchObject({ code: 4301 });
  });

  describe("of many small values", () => {
    const values = (count: number) => `[${"{},".repeat(count)}{}]`;
    const clientEvent = (data: string) => `{"event":"client-x","channel":"private-room","data":${data}}`;
    const REFUSED: readonly (readonly [string, string])[] = [
      ["a client event", clientEvent(values(200_000))],
      ["a ping", `{"event":"pusher:ping","data":${values(200_000)}}`],
      ["an unknown event", `{"event":"x","data":{"a":${values(200_000)}}}`],
      ["a list", values(200_000)],
      ["what is no JSON", "{},".repeat(200_000)],
      ["numbers", clientEvent(`[${"0,".repeat(300_000)}0]`)],
    ];
    it.each(REFUSED)("%s is not even parsed, and the connection goes on", async (_, text) => {
      const app = { enableClientMessages: true, maxEventPayloadInKb: 100, maxPresenceMemberSizeInKb: 2 };
      const socket = await connected(realSoketi({ app }));
      const parse = vi.spyOn(JSON, "parse");
      try {
        socket.sayText(text);
        // The test's own, of what the client is sent.
        expect(parse.mock.calls.filter(([parsed]) => parsed.length > 1_000).length).toBe(0);
      } finally {
        parse.mockRestore();
      }
      const message =
        "The message has more than 118784 brackets, braces, colons and commas outside of its strings.";
      expect(socket.sent).toEqual([{ event: "pusher:error", data: { code: 4301, message } }]);
      socket.say({ event: "pusher:ping" });
      expect(socket.sent.at(-1)?.event).toBe("pusher:pong");
    });

    const nested = JSON.stringify(`{"user_id":"1","id":"1","user_info":${values(100_000)}}`);
    it.each([
      ["a member", `{"event":"pusher:subscribe","data":{"channel":"presence-a","channel_data":${nested}}}`],
      ["a user", `{"event":"pusher:signin","data":{"auth":"k:x","user_data":${nested}}}`],
    ])("%s is not parsed from its text", async (_, text) => {
      const socket = await connected(realSoketi());
      const parse = vi.spyOn(JSON, "parse");
      try {
        socket.sayText(text);
        // The message, whose structure is small.
        expect(parse.mock.calls.filter(([parsed]) => parsed.length > 1_000).length).toBe(1);
      } finally {
        parse.mockRestore();
      }
      expect(socket.sent).toHaveLength(1);
    });

    it("goes by the limits of the app: what soketi takes is taken", async () => {
      const soketi = realSoketi({ app: { enableClientMessages: true, maxEventPayloadInKb: 100 } });
      const [speaker, listener] = [await connected(soketi), await connected(soketi)];
      for (const socket of [speaker, listener]) {
        const auth = sign(`${socket.id}:private-room`);
        socket.say({ event: "pusher:subscribe", data: { channel: "private-room", auth } });
        await idle();
        socket.sent.length = 0;
      }
      // 100 kB, to the byte, which are nothing but structure; and texts of brackets.
      for (const data of [`[${"[],".repeat(34_132)}[]]`, JSON.stringify('"[[,'.repeat(20_000))]) {
        speaker.sayText(clientEvent(data));
        await idle();
        expect(speaker.sent).toEqual([]);
        expect(JSON.stringify(listener.sent.pop()?.data)).toBe(data);
      }
      const small = await connected(realSoketi({ app: { maxEventPayloadInKb: 1 } }));
      small.sayText(clientEvent(values(8_000)));
      expect(small.sent[0]?.data).toMatchObject({ code: 4301 });
    });
  });

  it("that makes soketi throw in some other way is answered, and counted", async () => {
    const soketi = realSoketi();
    const socket = await connected(soketi);
    Object.assign(soketi.server.wsHandler, {
      handlePong: () => {
        throw new Error("something new");
      },
    });
    socket.say({ event: "pusher:ping" });
    expect(socket.sent[0]?.data).toMatchObject({ code: 4302 });
    expect(soketi.caught).toEqual(["messages: a message"]);
  });

  it("a subscription that fails is refused with subscription_error", async () => {
    const soketi = realSoketi({ adapter: () => ({ addToChannel: () => Promise.reject(new Error("away")) }) });
    const socket = await connected(soketi);
    socket.say({ event: "pusher:subscribe", data: { channel: "room" } });
    await idle();
    expect(socket.sent).toEqual([
      {
        event: "pusher:subscription_error",
        channel: "room",
        data: { type: "ServerError", error: "A server error has occurred.", status: 4302 },
      },
    ]);
  });
});

describe("messages before the app's lookup has ended", () => {
  const waiting = (app: object | null) => {
    let answer: (value: object | null) => void = () => undefined;
    const lookup = () => new Promise<object | null>((resolve) => (answer = resolve));
    const soketi = realSoketi({ lookup });
    return { soketi, answer: () => answer(app) };
  };
  const subscribe = (channel: string) => ({ event: "pusher:subscribe", data: { channel } });

  it("are handled after it, in order", async () => {
    const known = realSoketi();
    const app = await (known.server as unknown as { appManager: { findById(id: string): Promise<object> } }).appManager.findById("a"); // prettier-ignore
    const { soketi, answer } = waiting(app);
    const socket = open(soketi);
    socket.say(subscribe("first"));
    socket.say(subscribe("second"));
    socket.say({ event: "pusher:unsubscribe", data: { channel: "first" } });
    expect(socket.sent).toEqual([]);
    answer();
    await idle();
    await idle();
    expect(socket.sent.map(({ event, channel }) => [event, channel])).toEqual([
      ["pusher:connection_established", undefined],
      ["pusher_internal:subscription_succeeded", "first"],
      ["pusher_internal:subscription_succeeded", "second"],
    ]);
    expect([...(soketi.adapter.getNamespaces().get("a")?.channels.keys() ?? [])]).toEqual(["second"]);
    expect(soketi.caught).toEqual([]);
  });

  it("of many clients are handled in several turns of the event loop, and what comes later after them", async () => {
    const known = realSoketi();
    const app = await (known.server as unknown as { appManager: { findById(id: string): Promise<object> } }).appManager.findById("a"); // prettier-ignore
    let answer: () => void = () => undefined;
    const read = new Promise<object>((resolve) => (answer = () => resolve(app)));
    const soketi = realSoketi({ lookup: () => read });
    const [CLIENTS, MESSAGES] = [20, 50];
    const sockets = Array.from({ length: CLIENTS }, () => open(soketi));
    for (const socket of sockets) for (let i = 0; i < MESSAGES; i += 1) socket.say({ event: "pusher:ping" });
    const pongs = () =>
      sockets.flatMap(({ sent }) => sent.filter(({ event }) => event === "pusher:pong")).length;
    answer();
    await read;
    const last = sockets.at(-1);
    const counts = [0];
    while (pongs() < CLIENTS * MESSAGES && counts.length < 100) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (counts.length === 1) {
        // It is connected, and its early messages are not handled yet.
        expect(last?.sent.map(({ event }) => event)).toEqual(["pusher:connection_established"]);
        last?.say({ event: "pusher:subscribe", data: { channel: "late" } });
      }
      counts.push(pongs());
    }
    const steps = counts.slice(1).map((count, i) => count - (counts[i] ?? 0));
    expect(Math.max(...steps)).toBeLessThanOrEqual(40);
    await idle();
    expect(last?.sent.map(({ event }) => event)).toEqual([
      "pusher:connection_established",
      ...Array.from({ length: MESSAGES }, () => "pusher:pong"),
      "pusher_internal:subscription_succeeded",
    ]);
  });

  it.each([
    { event: "pusher:unsubscribe", data: { channel: "x" } },
    subscribe("x"),
    { event: "client-x", channel: "x" },
  ])("are dropped when there is no such app: $event", async (message) => {
    const { soketi, answer } = waiting(null);
    const socket = open(soketi);
    socket.say(message);
    answer();
    await idle();
    expect(socket.sent.map(({ data }) => data)).toEqual([
      { code: 4001, message: "App key k does not exist." },
    ]);
    socket.say(message);
    await idle();
    expect(soketi.caught).toEqual(["messages: a message of a client that has left"]);
  });

  it("are not held by a soketi that never counts its connections", async () => {
    const soketi = realSoketi();
    const { metricsManager } = soketi.server as unknown as { metricsManager: { markNewConnection: unknown } };
    metricsManager.markNewConnection = () => undefined;
    const socket = await connected(soketi);
    socket.say({ event: "pusher:ping" });
    expect(socket.sent.map(({ event }) => event)).toEqual(["pusher:pong"]);
  });

  it("are refused when there are too many, and the client is told", () => {
    const { soketi } = waiting(null);
    const socket = open(soketi);
    for (let i = 0; i < 101; i += 1) socket.say(subscribe(`room-${i}`));
    expect(socket.sent).toHaveLength(1);
    expect(socket.sent[0]?.data).toMatchObject({ code: 4301 });
  });
});
