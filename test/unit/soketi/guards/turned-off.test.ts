import { createHash, createHmac } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { GUARDS, type GuardName } from "../../../../src/config/guards.ts";
import { Guards } from "../../../../src/soketi/guards/guards.ts";
import { guardLookups } from "../../../../src/soketi/guards/install.ts";
import type { HttpResponse } from "../../../../src/soketi/guards/soketi-parts.ts";
import type { SoketiAppObject } from "../../../../src/soketi/server.ts";
import { realApp } from "../../app/fixtures.ts";
import { connected, idle, type RealSoketi, realSoketi } from "./real-soketi.ts";

type On = readonly GuardName[];

/** What the guard of `output` adds to a process. */
const listeners = { stdout: process.stdout.listeners("error"), stderr: process.stderr.listeners("error") };

afterEach(() => {
  for (const name of ["stdout", "stderr"] as const) {
    for (const listener of process[name].listeners("error")) {
      if (!listeners[name].includes(listener)) process[name].off("error", listener as () => void);
    }
  }
});

/** A call of the HTTP API: its status line, or undefined when it was not answered. */
async function statusOf({ routes }: RealSoketi, route: string, body?: string): Promise<string | undefined> {
  const written: string[] = [];
  const state = { isAnswered: false };
  let receive: (piece: ArrayBuffer, isLast: boolean) => void = () => undefined;
  const add = (line: string) => {
    written.push(written.length === 0 && !/^\d/.test(line) ? "200 OK" : line);
    return real;
  };
  const real = {
    writeStatus: add,
    writeHeader: add,
    end: () => {
      state.isAnswered = true;
      return real;
    },
    cork: (work: () => void) => {
      work();
      return real;
    },
    onData: (handler: typeof receive) => {
      receive = handler;
      return real;
    },
    onAborted: () => real,
  } as unknown as HttpResponse;
  const response = Object.assign(Object.create(real) as HttpResponse, {
    params: { appId: "a" },
    query: signed(body),
    method: "POST",
    url: "/apps/a/events",
  });
  routes.get(route)?.(response, { getHeader: () => "", getQuery: () => undefined });
  if (body !== undefined) {
    const bytes = Buffer.from(body);
    receive(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), true);
  }
  await idle();
  return state.isAnswered ? written[0] : undefined;
}

function signed(body: string | undefined): Record<string, string> {
  if (body === undefined) return {};
  const md5 = createHash("md5").update(body).digest("hex");
  const query = { auth_key: "k", auth_timestamp: "1", auth_version: "1.0", body_md5: md5 };
  const text = Object.entries(query).map(([name, value]) => `${name}=${value}`);
  const signature = createHmac("sha256", "s")
    .update(["POST", "/apps/a/events", text.join("&")].join("\n"))
    .digest("hex");
  return { ...query, auth_signature: signature };
}

/** Each finds out whether its guard acts, by what soketi itself would do. */
const PROBES: Record<GuardName, (on: On) => Promise<boolean>> = {
  async connections(on) {
    const soketi = realSoketi({ on });
    const socket = await connected(soketi);
    // soketi keeps a client for good that closes with its own code.
    socket.leave(4200);
    await idle();
    return soketi.adapter.getNamespaces().get("a")?.sockets.size === 0;
  },
  async messages(on) {
    const socket = await connected(realSoketi({ on }));
    try {
      socket.say({ event: "pusher:unsubscribe" });
      return socket.sent.some(({ event }) => event === "pusher:error");
    } catch (error) {
      // soketi's own, which nobody catches.
      expect(error).toBeInstanceOf(TypeError);
      return false;
    }
  },
  // soketi answers nothing.
  requests: async (on) =>
    (await statusOf(realSoketi({ on }), "events", '{"name":"n","data":"x","channels":"room"}')) !== undefined,
  // soketi's status is 200.
  statuses: async (on) => (await statusOf(realSoketi({ on }), "channels"))?.startsWith("401") === true,
  async lookups(on) {
    const asked: string[] = [];
    const find = (name: string) => {
      asked.push(name);
      return Promise.resolve(null);
    };
    const guards = new Guards({ on: new Set(on), onCaught: () => undefined });
    await guardLookups({ findById: find, findByKey: find }, guards).findByKey("");
    return asked.length === 0;
  },
  async drivers(on) {
    const away = () => Promise.reject(new Error("away"));
    const { server, limiter } = realSoketi({ on, consume: away });
    const consumed = limiter.consumeFrontendEventPoints(1, (await server.wsHandler.checkForValidApp({ appKey: "k" } as never)) as never); // prettier-ignore
    return consumed.then(
      ({ canContinue }) => !canContinue,
      () => false,
    );
  },
  discovery(on) {
    const sent: unknown[] = [];
    const discover = { send: (...args: unknown[]) => sent.push(args), join: () => undefined };
    realSoketi({ on, discover });
    // An app with its secret, which soketi sends to the whole network.
    discover.send("rate_limiter:consume", {});
    return Promise.resolve(sent.length === 0);
  },
  output(on) {
    const before = process.stdout.listenerCount("error");
    realSoketi({ on });
    return Promise.resolve(process.stdout.listenerCount("error") > before);
  },
};

const probeAll = async (on: On) => {
  const acting: GuardName[] = [];
  for (const name of GUARDS) if (await PROBES[name](on)) acting.push(name);
  return acting;
};

describe("a guard", () => {
  it.each(GUARDS)("%s is turned off alone: soketi does what it does, and the others act", async (name) => {
    const others = GUARDS.filter((other) => other !== name);
    expect(await probeAll(others)).toEqual(others);
  });

  it.each(GUARDS)("%s acts alone", async (name) => {
    expect(await probeAll([name])).toEqual([name]);
  });

  const EVENT = '{"name":"n","data":"x","channels":["room"]}';
  const find = () =>
    Promise.resolve(realApp({ id: "a", key: "k", secret: "s" }) as unknown as SoketiAppObject);
  const lookups = { findById: find, findByKey: find };

  it.each(GUARDS)(
    "%s is turned off, and a request of the app's owner is answered as before",
    async (name) => {
      const on = GUARDS.filter((other) => other !== name);
      expect(await statusOf(realSoketi({ on, lookups }), "events", EVENT)).toBe("200 OK");
    },
  );

  it("none is on, and a request of the app's owner is answered as before", async () => {
    expect(await statusOf(realSoketi({ on: [], lookups }), "events", EVENT)).toBe("200 OK");
  });

  it("acts when all are on, and none does when all are off", async () => {
    expect(await probeAll(GUARDS)).toEqual(GUARDS);
    expect(await probeAll([])).toEqual([]);
  });
});
