import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type {
  SoketiAdapter,
  SoketiAppObject,
  SoketiServer,
  SoketiSocket,
} from "../../../src/soketi/server.ts";
import type { GuardedServer, GuardedSocket } from "../../../src/soketi/guards/soketi-parts.ts";
import { noteAuthorized } from "../../../src/soketi/sign-in-requests.ts";
import { soketiConnections, watchNewConnections } from "../../../src/soketi/sockets.ts";

const TIMEOUT_MS = 30_000;
const [OFF, ON] = [appWith(false), appWith(true)];

function appWith(enableUserAuthentication: boolean): SoketiAppObject {
  const app = { id: "a", key: "k", enabled: true, enableUserAuthentication, initialApp: {} };
  return { ...app, forWebSocket: () => app } as unknown as SoketiAppObject;
}

const MANAGERS = [
  "privateChannelManager",
  "encryptedPrivateChannelManager",
  "presenceChannelManager",
] as const;

/** As soketi's: who is let in is waited for no more. */
function joined(socket: SoketiSocket, _channel: string, success: unknown): Promise<{ success: unknown }> {
  if (success) clearTimeout(socket.userAuthenticationTimeout);
  return Promise.resolve({ success });
}

let closed: number[];
let sockets: Map<string, SoketiSocket>;
let server: SoketiServer & { adapter: SoketiAdapter };

beforeEach(() => {
  vi.useFakeTimers();
  closed = [];
  sockets = new Map();
  const adapter = {
    getNamespaces: () => new Map([["a", { sockets }]]),
    addSocket: (_appId: string, socket: SoketiSocket) => Promise.resolve(sockets.set(socket.id, socket)),
  } as unknown as SoketiAdapter;
  server = {
    setAdapter(instance: SoketiAdapter) {
      server.adapter = instance;
    },
  } as unknown as typeof server;
  watchNewConnections(server, () => undefined);
  noteAuthorized(server as unknown as GuardedServer);
  // As soketi makes it: later.
  Object.assign(server, {
    wsHandler: {
      setUserAuthenticationTimeout(socket: SoketiSocket) {
        socket.userAuthenticationTimeout = setTimeout(() => socket.end(4009), TIMEOUT_MS);
      },
      ...Object.fromEntries(MANAGERS.map((name) => [name, { join: joined }])),
    },
  });
  server.setAdapter(adapter);
});

afterEach(() => {
  vi.useRealTimers();
});

/** As soketi does it: the connection's app is that of its lookup, and so is what is waited for. */
async function open(app: SoketiAppObject): Promise<SoketiSocket> {
  const socket: SoketiSocket = {
    id: "1",
    appKey: "k",
    app: app.forWebSocket(),
    sendJson: () => undefined,
    end: (code = 0) => closed.push(code),
  };
  const entered = server.adapter.addSocket("a", socket);
  if (app.enableUserAuthentication) server.wsHandler?.setUserAuthenticationTimeout?.(socket);
  await entered;
  return socket;
}

function becomes(...apps: SoketiAppObject[]): void {
  for (const app of apps) for (const connection of soketiConnections(server).of("a")) connection.replace(app);
}

describe("EnableUserAuthentication of an open connection's app", () => {
  it.each<[string, SoketiAppObject, openFor: number, SoketiAppObject[], number[]]>([
    ["stays on: it is waited for once", ON, 0, [ON, appWith(true)], [4009]],
    ["is switched off: nobody is waited for", ON, 0, [OFF], []],
    ["is switched off and on: it is waited for again", ON, 20_000, [OFF, ON], [4009]],
    ["and so on, any number of times", ON, 0, [OFF, ON, OFF, appWith(false), ON, ON], [4009]],
    ["and off in the end", ON, 0, [OFF, ON, OFF], []],
    ["is switched on, long after it was opened: old connections stay", OFF, 10_000, [ON], []],
    ["is switched on while it opens: it is waited for as a new one", OFF, 0, [ON, ON], [4009]],
    ["off, on, off while it opens", OFF, 0, [ON, OFF], []],
    ["stays off", OFF, 0, [appWith(false)], []],
  ])("%s", async (_what, first, openForMs, then, codes) => {
    await open(first);
    vi.advanceTimersByTime(openForMs);
    becomes(...then);
    vi.advanceTimersByTime(10 * TIMEOUT_MS);
    expect(closed).toEqual(codes);
  });

  it("a connection that was waited for has its whole time again", async () => {
    await open(ON);
    vi.advanceTimersByTime(TIMEOUT_MS - 1);
    becomes(OFF, ON);
    vi.advanceTimersByTime(TIMEOUT_MS - 1);
    expect(closed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(closed).toEqual([4009]);
  });

  it("one that has signed in is asked no more", async () => {
    const socket = await open(ON);
    clearTimeout(socket.userAuthenticationTimeout);
    Object.assign(socket, { user: { id: "1" } });
    becomes(OFF, ON);
    vi.advanceTimersByTime(10 * TIMEOUT_MS);
    expect(closed).toEqual([]);
  });

  describe.each(MANAGERS)("one that has joined a channel of the %s", (name) => {
    const join = (socket: SoketiSocket, success: boolean) =>
      (server as unknown as GuardedServer).wsHandler?.[name]?.join(
        socket as GuardedSocket,
        "private-a",
        success,
      );

    it.each<[string, SoketiAppObject, SoketiAppObject[]]>([
      ["off and on again", ON, [OFF, ON]],
      ["on while it is new", OFF, [ON]],
    ])("is not asked: %s", async (_what, first, then) => {
      const socket = await open(first);
      await join(socket, true);
      becomes(...then);
      vi.advanceTimersByTime(10 * TIMEOUT_MS);
      expect(closed).toEqual([]);
    });

    it("and was not let in is asked", async () => {
      const socket = await open(ON);
      await join(socket, false);
      becomes(OFF, ON);
      vi.advanceTimersByTime(10 * TIMEOUT_MS);
      expect(closed).toEqual([4009]);
    });
  });

  it("a subscription, which enters the connection again, makes it no newer", async () => {
    const socket = await open(OFF);
    vi.advanceTimersByTime(10_000);
    await server.adapter.addSocket("a", socket);
    becomes(ON);
    vi.advanceTimersByTime(10 * TIMEOUT_MS);
    expect(closed).toEqual([]);
  });
});
