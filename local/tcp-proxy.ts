import { createServer, type Server } from "node:net";
import { type Faults, ProxiedConnection } from "./proxied-connection.ts";

/** A TCP proxy on the loopback interface that can be made to misbehave. */
export interface TcpProxy {
  readonly port: number;
  /** Cuts open connections. @param which by what the client has sent so far; all by default. */
  disconnect(which?: (sent: string) => boolean): void;
  /** New connections are closed at once, as if nothing listened. */
  refuse(refused: boolean): void;
  /** Connections stay open and nothing passes any more, in either direction: a dead peer, or a lost route. */
  freeze(): void;
  /** New connections pass again; frozen ones stay dead. */
  thaw(): void;
  /** Each chunk is passed on that many milliseconds late, in either direction; 0 ends it. Chunks keep their order. */
  slow(delayMs: () => number): void;
  /** New connections lead to another server; those that are open stay where they are, as behind a virtual address. */
  leadTo(target: Target): void;
  /** What the server sends is looked at: chunks for which this says true are lost. */
  lose(which: (chunk: string) => boolean): void;
  close(): Promise<void>;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** @param watch gets each chunk that a client sends. */
export async function startProxy(
  first: Target,
  watch: (chunk: string) => void = () => undefined,
): Promise<TcpProxy> {
  const connections = new Set<ProxiedConnection>();
  let target = first;
  const faults: Faults = { refused: false, frozen: false, isLost: () => false, delayMs: () => 0 };
  const listener = createServer((client) => {
    if (faults.refused) {
      client.destroy();
      return;
    }
    const onClosed = () => connections.delete(connection);
    const connection = new ProxiedConnection({ client, target, faults, watch, onClosed });
    connections.add(connection);
  });
  const port = await listen(listener);
  return {
    port,
    disconnect(which = () => true) {
      for (const connection of connections) if (which(connection.sent)) connection.destroy();
    },
    refuse(refused) {
      faults.refused = refused;
    },
    freeze() {
      faults.frozen = true;
      for (const connection of connections) connection.freeze();
    },
    thaw() {
      faults.frozen = false;
    },
    slow(delayMs) {
      faults.delayMs = delayMs;
    },
    leadTo(next) {
      target = next;
    },
    lose(which) {
      faults.isLost = which;
    },
    async close() {
      for (const connection of connections) connection.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
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
