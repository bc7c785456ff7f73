import { beforeEach, describe, expect, it } from "vitest";
import type { SoketiAppObject, SoketiServer, SoketiSocket } from "../../../src/soketi/server.ts";
import { soketiConnections, watchNewConnections } from "../../../src/soketi/sockets.ts";

/** soketi's App in the one respect that matters: each connection's is another instance of the same origin. */
function app(version: number): SoketiAppObject {
  const initialApp = { version };
  const one = (): SoketiAppObject =>
    ({ id: "a", key: "k", enabled: true, initialApp, forWebSocket: one }) as unknown as SoketiAppObject;
  return one();
}

const socketOf = (of: SoketiAppObject): SoketiSocket => ({
  appKey: "k",
  app: of.forWebSocket(),
  sendJson: () => undefined,
  end: () => undefined,
});

interface TestAdapter {
  added: string[];
  getNamespaces(): Map<string, { sockets: Map<string, SoketiSocket> }>;
  addSocket(appId: string, socket: SoketiSocket): Promise<boolean>;
}

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
  const outdated: string[] = [];
  let current: SoketiAppObject | undefined;

  beforeEach(() => {
    outdated.length = 0;
    watchNewConnections(
      server,
      () => current,
      (appId) => outdated.push(appId),
    );
    server.setAdapter(adapter);
  });

  it("says nothing of a connection with the app that is cached", async () => {
    current = app(1);
    await server.adapter.addSocket("a", socketOf(current));
    expect(outdated).toEqual([]);
    expect(adapter.added).toEqual(["a"]);
  });

  it.each([
    ["changed", app(2)],
    ["was dropped", undefined],
  ])("tells of one whose app %s between its lookup and its registration", async (_, now) => {
    const old = app(1);
    current = now;
    await server.adapter.addSocket("a", socketOf(old));
    expect(outdated).toEqual(["a"]);
  });
});

describe("soketiConnections", () => {
  it("has none before the adapter is there", () => {
    const connections = soketiConnections({} as SoketiServer);
    expect([connections.appIds(), connections.has("a"), [...connections.of("a")]]).toEqual([[], false, []]);
  });

  it("clears the sign-in time-out of a connection whose app no longer asks for it", () => {
    const fired: string[] = [];
    const socket = socketOf(app(1));
    socket.userAuthenticationTimeout = setTimeout(() => fired.push("4009"), 0);
    adapter.getNamespaces = () => new Map([["a", { sockets: new Map([["1", socket]]) }]]);
    server.adapter = adapter;
    const [connection] = soketiConnections(server).of("a");
    connection?.replace(app(2));
    return new Promise<void>((resolve) => {
      setTimeout(() => {
        expect(fired).toEqual([]);
        resolve();
      }, 5);
    });
  });

  it("takes a socket that throws when it is closed for a closed one", () => {
    const socket = socketOf(app(1));
    socket.end = () => {
      throw new Error("Invalid access of closed uWS.WebSocket");
    };
    adapter.getNamespaces = () => new Map([["a", { sockets: new Map([["1", socket]]) }]]);
    server.adapter = adapter;
    const [connection] = soketiConnections(server).of("a");
    expect(() => {
      connection?.close(4001, "gone");
    }).not.toThrow();
  });
});
