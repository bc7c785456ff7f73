import { createHash, createHmac } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { idle, type RealSoketi, realSoketi } from "./real-soketi.ts";

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

/** With this header; there are no others. */
const requestOf = (contentLength = "", query = "") => ({
  getHeader: (name: string) => (name === "content-length" ? contentLength : ""),
  getQuery: () => query,
});

function call(soketi: RealSoketi, route: string, contentLength?: string): TestResponse {
  const response = new TestResponse();
  soketi.routes.get(route)?.(response, requestOf(contentLength));
  return response;
}

/** A call as a tenant's backend makes it. */
async function publish(soketi: RealSoketi, text: string, route = "events"): Promise<TestResponse> {
  const response = new TestResponse();
  const md5 = createHash("md5").update(text).digest("hex");
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
    "%e4&%bd",
    "a=b&".repeat(2_000),
  ];
  const ask = async (soketi: RealSoketi, route: string, query: string) => {
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
    for (const query of ["", "a", "a=%e4%bd%a0+x&%26=%3d&b", "filter_by_prefix=presence-%c3%a4", "&=&&"]) {
      expect((await ask(soketi, "channels", query)).response.status).toBe(401);
    }
    expect(soketi.caught).toEqual([]);
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
