import { createConnection, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy on the loopback interface that can be made to misbehave. */
export interface TcpProxy {
  readonly port: number;
  /** Cuts open connections. @param which by what the client has sent so far; all by default. */
  cut(which?: (sent: string) => boolean): void;
  /** New connections are closed at once, as if nothing listened. */
  refuse(refused: boolean): void;
  /** Connections stay open and nothing passes any more, in either direction: a dead peer, or a lost route. */
  freeze(): void;
  /** New connections pass again; frozen ones stay dead. */
  thaw(): void;
  /** Each chunk is passed on that many milliseconds late, in either direction; 0 ends it. Chunks keep their order. */
  slow(delayMs: () => number): void;
  /** What the server sends is looked at: chunks for which this says true are lost. */
  lose(which: (chunk: string) => boolean): void;
  close(): Promise<void>;
}

interface Late {
  readonly actions: (() => void)[];
  /** When the last of them is due. */
  until: number;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  sent: string;
  frozen: boolean;
  /** What is held back, each way. */
  readonly up: Late;
  readonly down: Late;
}

/** How much of what a client sent is kept to tell connections apart. */
const SENT_KEPT = 4_096;

/** @param watch gets each chunk that a client sends. */
export async function startProxy(
  target: { host: string; port: number },
  watch: (chunk: string) => void = () => undefined,
): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const state = { refused: false, frozen: false, isLost: (_chunk: string) => false, delayMs: () => 0 };
  const listener = createServer((client) => {
    if (state.refused) {
      client.destroy();
      return;
    }
    pair(client);
  });

  function pair(client: Socket): void {
    const one: Pair = {
      client,
      server: createConnection(target),
      sent: "",
      frozen: state.frozen,
      up: { actions: [], until: 0 },
      down: { actions: [], until: 0 },
    };
    pairs.add(one);
    client.on("data", (chunk: Buffer) => {
      watch(chunk.toString());
      one.sent = (one.sent + chunk.toString()).slice(0, SENT_KEPT);
      inTurn(one.up, state.delayMs(), () => {
        if (!one.frozen && !one.server.destroyed) one.server.write(chunk);
      });
    });
    one.server.on("data", (chunk: Buffer) => {
      if (state.isLost(chunk.toString())) return;
      inTurn(one.down, state.delayMs(), () => {
        if (!one.frozen && !client.destroyed) client.write(chunk);
      });
    });
    for (const [socket, other] of [
      [client, one.server],
      [one.server, client],
    ] as const) {
      // An error is told by `close` as well, and either end's end is the other's.
      socket.on("error", () => undefined);
      socket.on("close", () => {
        pairs.delete(one);
        const way = socket === client ? "up" : "down";
        inTurn(one[way], 0, () => {
          if (!one.frozen) other.destroy();
        });
      });
    }
  }

  const port = await listen(listener);
  return {
    port,
    cut(which = () => true) {
      for (const { client, server, sent } of pairs) {
        if (!which(sent)) continue;
        client.destroy();
        server.destroy();
      }
    },
    refuse(refused) {
      state.refused = refused;
    },
    freeze() {
      state.frozen = true;
      for (const one of pairs) one.frozen = true;
    },
    thaw() {
      state.frozen = false;
    },
    slow(delayMs) {
      state.delayMs = delayMs;
    },
    lose(which) {
      state.isLost = which;
    },
    async close() {
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/**
 * Does what is due some milliseconds from now, and after all that was due before. The first that waits goes when any timer
 * ends: timers of about the same time may change places.
 */
function inTurn(late: Late, delayMs: number, action: () => void): void {
  const now = performance.now();
  late.actions.push(action);
  late.until = Math.max(now + delayMs, late.until);
  const next = () => late.actions.shift()?.();
  if (late.until <= now) next();
  else setTimeout(next, late.until - now);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
}
