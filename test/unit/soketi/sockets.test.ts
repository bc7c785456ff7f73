import { beforeEach, describe, expect, it } from "vitest";
import type {
  SoketiAdapter,
  SoketiAppObject,
  SoketiServer,
  SoketiSocket,
} from "../../../src/soketi/server.ts";
import type { GuardedServer } from "../../../src/soketi/guards/soketi-parts.ts";
import {
  removeClosedHere,
  soketiConnectionLimits,
  soketiConnections,
  watchNewConnections,
} from "../../../src/soketi/sockets.ts";
import { SoketiInMemory } from "../../support/soketi-in-memory.ts";

/** soketi's App in the one respect that matters: each connection's is another instance of the same origin. */
function app(version: number): SoketiAppObject {
  const initialApp = { version };
  const one = (): SoketiAppObject =>
    ({ id: "a", key: "k", enabled: true, initialApp, forWebSocket: one }) as unknown as SoketiAppObject;
  return one();
}

const socketOf = (of: SoketiAppObject): SoketiSocket => ({
  id: "1",
  appKey: "k",
  app: of.forWebSocket(),
  sendJson: () => undefined,
  end: () => undefined,
});

interface TestAdapter extends SoketiAdapter {
  added: string[];
}

/** One with these connections of app a. */
const namespaceOf = (...sockets: SoketiSocket[]) =>
  new Map([
    [
      "a",
      {
        sockets: new Map(sockets.map((socket) => [socket.id, socket])),
        channels: new Map(),
        removeSocket: () => Promise.resolve(),
        removeFromChannel: () => Promise.resolve(),
      },
    ],
  ]);

let server: SoketiServer & { adapter: TestAdapter };
let adapter: TestAdapter;

beforeEach(() => {
  adapter = {
    added: [],
    getNamespaces: () => new Map(),
    addSocket(appId) {
      this.added.push(appId);
      return Promise.resolve(true);
    },
    getSocketsCount: () => Promise.resolve(0),
    removeSocket: () => Promise.resolve(),
    addToChannel: () => Promise.resolve(),
    removeFromChannel: () => Promise.resolve(),
  };
  server = {
    setAdapter(instance: TestAdapter) {
      server.adapter = instance;
    },
    setQueueManager() {
      return undefined;
    },
  } as unknown as typeof server;
});

describe("watchNewConnections", () => {
  it("tells of each connection that is entered, after that, and what it follows", async () => {
    const told: unknown[] = [];
    const [before, now] = [app(1), app(2)];
    watchNewConnections(server, (appId, connection) => {
      told.push([
        appId,
        connection.id,
        connection.key,
        connection.has(before),
        connection.has(now),
        adapter.added,
      ]);
    });
    server.setAdapter(adapter);
    await server.adapter.addSocket("a", socketOf(before));
    expect(told).toEqual([["a", "1", "k", true, false, ["a"]]]);
  });
});

describe("soketiConnectionLimits", () => {
  const surplus = (limit: number | string, own: number, all: number) => {
    const sockets = Array.from({ length: own }, (_, i) => ({ ...socketOf(app(1)), id: `${i}` }));
    adapter.getNamespaces = () => namespaceOf(...sockets);
    adapter.getSocketsCount = () => Promise.resolve(all);
    server.adapter = adapter;
    const limits = soketiConnectionLimits(server);
    return limits.surplus("a", { ...app(1), maxConnections: limit });
  };

  it.each([
    ["all that is too many, when there is no other node", 3, 5, 5, 2],
    ["its share, of what is too many in the fleet", 60, 25, 100, 10],
    ["its share, also when that is less than one connection", 19, 1, 20, 0.05],
    ["none, at the limit", 100, 25, 100, 0],
    ["none, without a limit", -1, 25, 100, 0],
    ["none, of a limit that soketi takes for none", 0, 25, 100, 0],
    ["as soketi reads a text", "60 of them", 25, 100, 10],
    ["none, of an app that is not here", 1, 0, 100, 0],
    ["what it sees by itself, when the others' count lags", 3, 5, 2, 2],
  ])("%s", async (_what, limit, own, all, expected) => {
    expect(await surplus(limit, own, all)).toBe(expected);
  });

  it("gives the newest", async () => {
    await surplus(1, 5, 5);
    const limits = soketiConnectionLimits(server);
    expect([...limits.newest("a", 2)].map(({ id }) => id)).toEqual(["3", "4"]);
    expect([...limits.newest("a", 0)]).toEqual([]);
    expect([...limits.newest("a", 9)]).toHaveLength(5);
    expect([...limits.newest("b", 2)]).toEqual([]);
  });
});

describe("soketiConnections", () => {
  it("has none before the adapter is there", () => {
    const connections = soketiConnections({} as SoketiServer);
    expect([connections.appIds(), connections.has("a"), [...connections.of("a")]]).toEqual([[], false, []]);
  });

  it("takes a socket that throws when it is closed for a closed one", () => {
    const socket = socketOf(app(1));
    socket.end = () => {
      throw new Error("Invalid access of closed uWS.WebSocket");
    };
    adapter.getNamespaces = () => namespaceOf(socket);
    server.adapter = adapter;
    const [connection] = soketiConnections(server).of("a");
    expect(() => {
      connection?.close(4001, "gone");
    }).not.toThrow();
  });
});

describe("a connection that the agent closes", () => {
  it.each([4001, 4100, 4200])("with %i is removed, also while no guard is on", async (code) => {
    const soketi = new SoketiInMemory({ own: true });
    removeClosedHere(soketi.server as unknown as GuardedServer);
    soketi.start();
    soketi.server.wsHandler = soketi.handler;
    await soketi.connect(soketi.app("a"));
    for (const connection of soketiConnections(soketi.server).of("a")) connection.close(code, "gone");
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(soketi.openOf("a")).toBe(0);
  });
});
