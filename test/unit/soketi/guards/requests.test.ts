import { createHash, createHmac } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { idle, type RealSoketi, realSoketi, type RealSoketiOptions } from "./real-soketi.ts";

/** A response of uWebSockets.js: its rules are kept on the prototype, as there. */
class TestResponse {
  params = { appId: "a", channel: "room" };
  query: Record<string, string> = {};
  method = "POST";
  url = "/apps/a/events";
  /** As it goes over the wire: the first header writes "200 OK" when no status was written. */
  readonly written: string[] = [];
  isOver = false;
  #onData: (piece: ArrayBuffer, isLast: boolean) => void = () => undefined;
  #onAborted: () => void = () => undefined;

  writeStatus(status: string): this {
    this.#check();
    // Ignored, as there, when something has been written.
    if (this.written.length === 0) this.written.push(status);
    return this;
  }
  writeHeader(name: string, value: string): this {
    this.#check();
    if (this.written.length === 0) this.written.push("200 OK");
    this.written.push(`${name}: ${value}`);
    return this;
  }
  end(body = ""): this {
    this.#check();
    if (this.written.length === 0) this.written.push("200 OK");
    this.written.push(body);
    this.isOver = true;
    return this;
  }
  cork(work: () => void): this {
    this.#check();
    work();
    return this;
  }
  onData(handler: (piece: ArrayBuffer, isLast: boolean) => void): this {
    this.#onData = handler;
    return this;
  }
  onAborted(handler: () => void): this {
    this.#onAborted = handler;
    return this;
  }

  receive(text: string, isLast = true): void {
    const bytes = Buffer.from(text);
    this.#onData(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), isLast);
  }
  abort(): void {
    this.isOver = true;
    this.#onAborted();
  }
  #check(): void {
    if (this.isOver)
      throw new Error("uWS.HttpResponse must not be accessed after uWS.HttpResponse.onAborted callback");
  }

  get status(): number {
    return Number.parseInt(this.written[0] ?? "0");
  }
  get json(): unknown {
    return JSON.parse(this.written.at(-1) ?? "") as unknown;
  }
}

/** With this header; there are no others. Without a query, uWebSockets.js gives undefined. */
const requestOf = (contentLength = "", query?: string) => ({
  getHeader: (name: string) => (name === "content-length" ? contentLength : ""),
  getQuery: () => query,
});

function call(soketi: RealSoketi, route: string, contentLength?: string): TestResponse {
  const response = new TestResponse();
  soketi.routes.get(route)?.(response, requestOf(contentLength));
  return response;
}

/** A call as a tenant's backend makes it. Signed: the text that it has signed. */
async function publish(
  soketi: RealSoketi,
  text: string,
  route = "events",
  signed = text,
): Promise<TestResponse> {
  const response = new TestResponse();
  const md5 = createHash("md5").update(signed).digest("hex");
  const query = { auth_key: "k", auth_timestamp: "1", auth_version: "1.0", body_md5: md5 };
  const params = Object.entries(query).map(([name, value]) => `${name}=${value}`);
  const signature = createHmac("sha256", "s")
    .update(["POST", response.url, params.join("&")].join("\n"))
    .digest("hex");
  response.query = { ...query, auth_signature: signature };
  soketi.routes.get(route)?.(response, requestOf(String(text.length)));
  response.receive(text);
  await idle();
  return response;
}

describe("a query that soketi takes minutes for", () => {
  const BAD = [
    "%ff".repeat(1_200),
    `a=${"%ff".repeat(1_200)}`,
    `${"%ff".repeat(1_200)}=1&b=2`,
    "%ff".repeat(9),
    "a=%41%41%41%41%ff&%fe=%ff%ff%ff&100%",
    "a=b&".repeat(2_000),
    // 20 ms of 4 kB.
    "a&".repeat(2_048),
  ];
  const ask = async (soketi: RealSoketi, route: string, query?: string) => {
    const response = new TestResponse();
    const begun = performance.now();
    soketi.routes.get(route)?.(response, requestOf("", query));
    const ms = performance.now() - begun;
    const before = response.status;
    response.receive("{}");
    await idle();
    return { before, ms, response };
  };
  it.each(["channels", "channel", "channelUsers"])("%s: 400", async (route) => {
    for (const query of BAD) {
      const soketi = realSoketi();
      const { before, response } = await ask(soketi, route, query);
      expect(before).toBe(400);
      expect(response.json).toEqual({ error: "The received data is incorrect", code: 400 });
      expect(soketi.caught).toEqual(["requests: a request"]);
    }
  });

  it.each(["events", "batchEvents", "terminateUserConnections"])(
    "%s: 400, when the body has come",
    async (route) => {
      for (const query of BAD) {
        const { before, response } = await ask(realSoketi(), route, query);
        expect([before, response.status]).toEqual([0, 400]);
      }
    },
  );

  it("is no other", async () => {
    const soketi = realSoketi();
    for (const query of [
      undefined,
      "",
      "a",
      "a=%e4%bd%a0+x&%26=%3d&b",
      "filter_by_prefix=presence-%c3%a4",
      "&=&&",
      "filter_by_prefix=100%",
      "filter_by_prefix=100%&a=%e4%bd%a0%e4%bd%a0%e4%bd%a0%e4%bd%a0",
      "%e4&%bd",
      "%ff".repeat(8),
      "%".repeat(4_000),
      "&".repeat(255),
      "a=%zz%4",
    ]) {
      expect((await ask(soketi, "channels", query)).response.status).toBe(401);
    }
    expect(soketi.caught).toEqual([]);
  });

  it("is no other: soketi's parser is done at once with what is let through", async () => {
    const soketi = realSoketi();
    for (const query of [
      "%ff".repeat(8),
      `${"%c2".repeat(8)}${"x".repeat(4_000)}`,
      "%f0%9f%98%f0%9f%98%f0%9f",
    ]) {
      const times: number[] = [];
      for (let i = 0; i < 20; i += 1) times.push((await ask(soketi, "channels", query)).ms);
      // 2 ms, and 300 for 80 in a row; a busy machine takes longer for all.
      expect(Math.min(...times)).toBeLessThan(20);
    }
  });

  it("holds everything up with soketi alone", async () => {
    const { ms } = await ask(realSoketi({ on: [] }), "channels", "%ff".repeat(80));
    expect(ms).toBeGreaterThan(20);
  });
});

const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;

describe("a body that soketi does not bear", () => {
  it.each([
    ["events", "null"],
    ["events", "5"],
    ["events", '{"name":"n","data":"x","channels":5}'],
    ["events", '{"name":"n","data":"x","channels":"room"}'],
    ["events", '{"name":"n","data":"x","channels":[5]}'],
    ["events", '{"name":"n","data":"x","channel":["room"]}'],
    ["events", '{"name":{"length":1},"data":"x","channel":"room"}'],
    ["events", `{"name":"n","data":${deep},"channel":"room"}`],
    ["batchEvents", "null"],
    ["batchEvents", "{}"],
    ["batchEvents", '{"batch":{"reduce":1}}'],
    ["batchEvents", '{"batch":[null]}'],
    ["batchEvents", '{"batch":[{"name":"n","data":"x","channels":5}]}'],
    ["batchEvents", '{"batch":[{"name":"n","data":"x","channels":[null]}]}'],
  ])("%s %j: 400", async (route, text) => {
    const soketi = realSoketi();
    const response = await publish(soketi, text, route);
    expect(response.status).toBe(400);
    expect(response.json).toEqual({ error: "The received data is incorrect", code: 400 });
    expect(soketi.caught).toHaveLength(1);
  });

  it("is answered by nobody with soketi alone", async () => {
    const response = await publish(realSoketi({ on: [] }), '{"name":"n","data":"x","channels":"room"}');
    expect(response.isOver).toBe(false);
  });

  it.each(["0", "00", "000000"])(
    "of which uWebSockets.js does not tell, being empty, is answered: %s",
    async (length) => {
      const response = call(realSoketi(), "events", length);
      await idle();
      expect(response.status).toBe(401);
      const alone = call(realSoketi({ on: [] }), "events", "0");
      await idle();
      expect(alone.isOver).toBe(false);
    },
  );

  it("of more than the limit is refused when it has come: before, a reset would take the answer with it", () => {
    const soketi = realSoketi();
    const response = call(soketi, "events");
    response.receive("x".repeat(2 ** 20 + 1), false);
    expect(response.written).toEqual([]);
    response.receive("x");
    expect(response.status).toBe(413);
    expect(response.json).toEqual({ error: "The payload size is too big.", code: 413 });
  });
});

describe("a body of a stranger", () => {
  const many = `[${"{},".repeat(1_700_000)}{}]`;
  const unsigned = async (options: RealSoketiOptions, text: string) => {
    const soketi = realSoketi(options);
    Object.assign(soketi.server.options.httpApi, { requestLimitInMb: 8 });
    const parse = vi.spyOn(JSON, "parse");
    try {
      const response = await publish(soketi, text, "events", "something else");
      // Texts, or bytes.
      const parsed = parse.mock.calls.filter(([it]) => it.length >= text.length);
      return { status: response.status, caught: soketi.caught, parsed: parsed.length };
    } finally {
      parse.mockRestore();
    }
  };

  it("is not parsed, whatever it is", async () => {
    for (const text of [many, deep, '{"name":"n","data":"x","channel":"room"}']) {
      expect(await unsigned({}, text)).toEqual({ status: 401, caught: [], parsed: 0 });
      const nobody = await unsigned({ lookup: () => Promise.resolve(null) }, text);
      expect(nobody).toEqual({ status: 404, caught: [], parsed: 0 });
    }
  });

  it("is parsed by soketi alone", async () => {
    expect((await unsigned({ on: [] }, many)).parsed).toBe(1);
  });

  it("is dropped when bodies that nobody answers for fill a node, and answered then or when it has come", () => {
    const soketi = realSoketi({ lookup: () => new Promise(() => undefined) });
    Object.assign(soketi.server.options.httpApi, { requestLimitInMb: 60 });
    const [read, unread, last] = [call(soketi, "events"), call(soketi, "events"), call(soketi, "events")];
    const send = (response: TestResponse, megabytes: number, isLast: boolean) =>
      response.receive("x".repeat(megabytes * 2 ** 20), isLast);
    send(unread, 50, false);
    send(read, 49, true);
    const small = call(soketi, "events");
    small.receive("{}");
    send(last, 48, true);
    expect([read.status, unread.status, last.status, small.status]).toEqual([0, 0, 0, 0]);
    send(unread, 1, true);
    expect([unread.status, unread.written]).toEqual([
      503,
      [
        "503 Service Unavailable",
        "Retry-After: 1",
        "Content-Type: application/json",
        '{"error":"Too many large requests come in at the moment. Please try again shortly.","code":503}',
      ],
    ]);
    // The largest of those that wait for their app.
    send(call(soketi, "events"), 40, true);
    expect([read.status, last.status, small.status]).toEqual([503, 0, 0]);
    expect(soketi.caught).toEqual(Array(2).fill("requests: bodies over the limit of a node"));
  });
});

describe("bodies that never end", () => {
  const MB = 2 ** 20;
  const waiting = (on?: RealSoketiOptions["on"]) => {
    const soketi = realSoketi({ lookup: () => new Promise(() => undefined), on });
    Object.assign(soketi.server.options.httpApi, { requestLimitInMb: 60 });
    return soketi;
  };

  it("are dropped before a complete one that is larger than each of them", () => {
    const soketi = waiting();
    const [first, second, event] = [call(soketi, "events"), call(soketi, "events"), call(soketi, "events")];
    first.receive("x".repeat(45 * MB), false);
    second.receive("x".repeat(45 * MB), false);
    event.receive("x".repeat(50 * MB));
    first.receive("x");
    expect([first.status, second.status, event.status]).toEqual([503, 0, 0]);
  });

  it("do not keep a larger one out that comes in pieces, however many they are", () => {
    const soketi = waiting();
    for (let i = 0; i < 128; i += 1) call(soketi, "events").receive("x".repeat(MB), false);
    const batch = call(soketi, "batchEvents");
    for (let i = 0; i < 20; i += 1) batch.receive("x".repeat(MB), i === 19);
    expect([batch.status, soketi.caught]).toEqual([0, []]);
  });

  it("count as what they take: enough of them, in pieces of one byte, are answered with 503", () => {
    const soketi = waiting();
    // In pieces of one byte, what comes to 32 MB and one byte takes 64.
    const bodies = Array.from({ length: 3 }, () => call(soketi, "events"));
    for (const body of bodies) {
      body.receive("x".repeat(32 * MB), false);
      body.receive("x", false);
    }
    for (const body of bodies) body.receive("x");
    expect(bodies.map(({ status }) => status)).toEqual([503, 0, 0]);
  });

  it("are answered with 503 also where the guard of statuses is off", () => {
    const soketi = waiting(["requests"]);
    const slow = call(soketi, "events");
    slow.receive("x".repeat(50 * MB), false);
    for (const megabytes of [60, 20]) call(soketi, "events").receive("x".repeat(megabytes * MB));
    slow.receive("x");
    expect([slow.status, slow.written.slice(0, 2)]).toEqual([
      503,
      ["503 Service Unavailable", "Retry-After: 1"],
    ]);
  });
});

describe("a body that is signed", () => {
  const EVENT = '{"name":"n","data":"x","channel":"room"}';
  it.each([
    [EVENT, EVENT],
    [EVENT, "{}"],
    ["{}", "{}"],
    ["", ""],
    ["", "{}"],
    ["no JSON", "no JSON"],
    ["no JSON", "{}"],
    ["no JSON", EVENT],
    [`\ufeff${EVENT}`, `\ufeff${EVENT}`],
    ["5", "5"],
    [`{"channel":"room","name":"n","data":"${"ä".repeat(2_000)}"}`, undefined],
  ])("%j, as %j, is answered as by soketi alone", async (text, signed) => {
    for (const route of ["events", "batchEvents", "terminateUserConnections"]) {
      // What soketi alone does not bear.
      if (text === "5" && route !== "terminateUserConnections") continue;
      if (route === "batchEvents" && signed !== text && signed !== EVENT) continue;
      if (route === "batchEvents" && (text === EVENT || text === "{}") && signed === text) continue;
      const guarded = await publish(realSoketi({ adapter }), text, route, signed);
      const alone = await publish(realSoketi({ adapter, on: [] }), text, route, signed);
      expect([route, guarded.json]).toEqual([route, alone.json]);
    }
  });
  const adapter = () => ({ terminateUserConnections: () => undefined, send: () => undefined });

  it("is parsed once", async () => {
    const text = `{"name":"n","channel":"room","data":"${"x".repeat(5_000)}"}`;
    const parse = vi.spyOn(JSON, "parse");
    try {
      const { status } = await publish(realSoketi(), text);
      expect([status, parse.mock.calls.filter(([it]) => it.length >= text.length).length]).toEqual([200, 1]);
    } finally {
      parse.mockRestore();
    }
  });

  it("of more values than the app may send is not parsed: 413", async () => {
    const soketi = realSoketi({
      app: { maxEventPayloadInKb: 1, maxEventBatchSize: 2, maxEventChannelsAtOnce: 3 },
    });
    const event = (count: number) => `{"name":"n","channel":"room","data":[${"0,".repeat(count)}0]}`;
    // 16,384, of each event 1,024, of each channel 1. Of the map 6 of its own, and 2 of the list.
    const most = 16_384 + 2 * 1_024 + 2 * 3 - 9;
    expect((await publish(soketi, event(most))).json).toMatchObject({ error: "The event data should be less than 1 KB." }); // prettier-ignore
    expect(soketi.caught).toEqual([]);
    const response = await publish(soketi, event(most + 1));
    expect([response.status, response.json]).toEqual([
      413,
      { error: "The payload size is too big.", code: 413 },
    ]);
    expect(soketi.caught).toEqual(["requests: a body of too many values"]);
  });
});

describe("the status", () => {
  it.each([
    [200, { name: "n", data: "x", channel: "room" }],
    [400, { name: "n", data: "x" }],
    [413, { name: "n", data: "x".repeat(200_000), channel: "room" }],
  ])("is %i for what is that", async (status, event) => {
    const response = await publish(realSoketi(), JSON.stringify(event));
    expect(response.status).toBe(status);
    expect(response.json).toMatchObject(status === 200 ? { ok: true } : { code: status });
  });

  it("is 401, 404 and 429 too, with soketi's headers and bodies", async () => {
    const unsigned = call(realSoketi(), "channels");
    await idle();
    expect(unsigned.written).toEqual([
      "401 Authorization Required",
      "Access-Control-Allow-Origin: *",
      "Access-Control-Allow-Methods: GET",
      "Access-Control-Allow-Headers: X",
      "Content-Type: application/json",
      '{"error":"The secret authentication failed","code":401}',
    ]);
    const nobody = call(realSoketi({ lookup: () => Promise.resolve(null) }), "channels");
    await idle();
    expect(nobody.status).toBe(404);
    const limited = realSoketi({ app: { maxBackendEventsPerSecond: 1 } });
    const event = '{"name":"n","data":"x","channel":"room"}';
    expect([(await publish(limited, event)).status, (await publish(limited, event)).status]).toEqual([
      200, 429,
    ]);
  });

  it("is 200 for all of them with soketi alone", async () => {
    const response = await publish(realSoketi({ on: [] }), '{"name":"n","data":"x"}');
    expect([response.status, response.json]).toEqual([
      200,
      { error: "The received data is incorrect", code: 400 },
    ]);
  });

  it("of soketi alone stays when only that guard is off", async () => {
    const response = await publish(realSoketi({ on: ["requests"] }), "null");
    expect([response.status, response.json]).toMatchObject([200, { code: 400 }]);
  });

  it("of what has no app is untouched", async () => {
    const response = call(realSoketi(), "healthCheck");
    await idle();
    expect([response.status, response.written.at(-1)]).toEqual([200, "OK"]);
  });
});

describe("a request that its client aborts", () => {
  it("while its app is looked up ends nothing, and logs no secret", async () => {
    let answer: (app: object | null) => void = () => undefined;
    const app = {
      id: "a",
      key: "k",
      secret: "s",
      maxReadRequestsPerSecond: 5,
      signingTokenFromRequest: () => undefined,
    };
    const soketi = realSoketi({ lookup: () => new Promise((resolve) => (answer = resolve)) });
    const response = call(soketi, "channels");
    response.abort();
    answer(app);
    await idle();
    expect(soketi.caught).toEqual(["requests: a request that was aborted"]);
    expect(response.written).toEqual([]);
  });

  it("is not read any further", () => {
    const soketi = realSoketi();
    const response = call(soketi, "events");
    response.abort();
    expect(() => response.receive('{"name":"n"}')).not.toThrow();
    expect(response.written).toEqual([]);
  });
});

describe("a request that soketi does not answer", () => {
  const never = () => new Promise<object>(() => undefined);
  it("is answered with 500, and counted", () => {
    vi.useFakeTimers();
    try {
      const soketi = realSoketi({ lookup: never });
      const [published, asked] = [call(soketi, "events"), call(soketi, "channels")];
      vi.advanceTimersByTime(29_999);
      published.receive('{"name":"n","data":"x","channel":"room"}');
      expect([asked.isOver, soketi.caught]).toEqual([false, []]);
      vi.advanceTimersByTime(1);
      expect([asked.status, published.isOver]).toEqual([500, false]);
      // The time begins with the end of the body.
      vi.advanceTimersByTime(29_999);
      expect([published.status, soketi.caught.length, vi.getTimerCount()]).toEqual([500, 2, 0]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("has its time from the end of its body on, however long that takes to come", () => {
    vi.useFakeTimers();
    try {
      const published = call(realSoketi({ lookup: never }), "events");
      vi.advanceTimersByTime(31_000);
      expect(published.isOver).toBe(false);
      published.receive('{"name":"n","data":"x","channel":"room"}');
      vi.advanceTimersByTime(29_999);
      expect(published.isOver).toBe(false);
      vi.advanceTimersByTime(1);
      expect([published.status, vi.getTimerCount()]).toEqual([500, 0]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("leaves no timer behind when its client goes", () => {
    vi.useFakeTimers();
    try {
      call(realSoketi({ lookup: never }), "channels").abort();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

it("whatever fails on the way is answered with 500", async () => {
  const soketi = realSoketi({ lookup: () => Promise.reject(new Error("away")) });
  const response = call(soketi, "channels");
  await idle();
  expect(response.status).toBe(500);
  expect(response.json).toEqual({ error: "A server error has occurred.", code: 500 });
  expect(soketi.caught).toEqual(["requests: a request"]);
});
