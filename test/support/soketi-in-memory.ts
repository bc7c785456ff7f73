import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { leaveOwnChannels } from "../../src/soketi/leave-own-channels.ts";
import type {
  SoketiAdapter,
  SoketiAppClass,
  SoketiAppObject,
  SoketiServer,
  SoketiSocket,
  SoketiWsHandler,
} from "../../src/soketi/server.ts";

const require = createRequire(import.meta.url);
const { Server } = require("@soketi/soketi/dist/server.js") as { Server: new () => SoketiServer };
const { App } = require("@soketi/soketi/dist/app.js") as { App: SoketiAppClass };
const { LocalAdapter } = require("@soketi/soketi/dist/adapters/local-adapter.js") as {
  LocalAdapter: new (server: SoketiServer) => SoketiAdapter;
};
const { WsHandler } = require("@soketi/soketi/dist/ws-handler.js") as {
  WsHandler: new (server: SoketiServer) => SoketiWsHandler & {
    subscribeToChannel(socket: SoketiSocket, message: object): void;
    unsubscribeFromChannel(socket: SoketiSocket, channel: string): Promise<void>;
  };
};

const nothing = () => undefined;

/**
 * soketi's own classes for connections and channels, in this process; only the sockets' network, its metrics and its
 * webhooks are not there.
 */
export class SoketiInMemory {
  readonly server = new Server();
  readonly handler = new WsHandler(this.server);
  readonly #adapter = new LocalAdapter(this.server);
  #opened = 0;

  /** @param own whether closed connections leave their own channels only, as with the agent, or as soketi alone does it. */
  constructor({ own }: { readonly own: boolean }) {
    const metrics = { markDisconnection: nothing, markWsMessageSent: nothing };
    const webhooks = { sendChannelVacated: nothing, sendChannelOccupied: nothing };
    Object.assign(this.server, { metricsManager: metrics, webhookSender: webhooks });
    this.server.setAdapter = (adapter) => Object.assign(this.server, { adapter });
    if (own) leaveOwnChannels(this.server);
  }

  /** After whoever else changes the adapter. */
  start(): void {
    this.server.setAdapter(this.#adapter);
  }

  app(id: string, enabled = true): SoketiAppObject {
    return new App({ id, key: `${id}-key`, secret: "s", enabled, webhooks: [] }, this.server);
  }

  /** An open connection, without a channel. */
  async connect(app: SoketiAppObject): Promise<SoketiSocket> {
    this.#opened += 1;
    const socket = {
      id: String(this.#opened),
      appKey: app.key,
      app: app.forWebSocket(),
      subscribedChannels: new Set<string>(),
      presence: new Map(),
      sendJson: (data: object) => void JSON.stringify(data),
      end: (code?: number) => void this.handler.onClose(socket, code),
    };
    await this.#adapter.addSocket(app.id, socket);
    return socket;
  }

  subscribe(socket: SoketiSocket, channel: string): void {
    this.handler.subscribeToChannel(socket, { data: { channel } });
  }

  isOpen(appId: string, socket: SoketiSocket): boolean {
    return this.#adapter.getNamespaces().get(appId)?.sockets.has(socket.id) === true;
  }

  openOf(appId: string): number {
    return this.#adapter.getNamespaces().get(appId)?.sockets.size ?? 0;
  }
}

const HELD_MS = 10;

/**
 * Between two turns of the event loop while `work` goes on: the longest, and how many over 10 ms. And how long all takes.
 * Milliseconds. Counted is what this process needs of a processor, which others may need at the same time. What was made
 * before is collected first: in a server it would have been, long ago.
 */
export async function longestStall(
  work: () => Promise<void>,
): Promise<{ stall: number; stalls: number; total: number }> {
  collectGarbage();
  const start = performance.now();
  let last = start;
  let lastCpu = process.cpuUsage();
  let stall = 0;
  let stalls = 0;
  let finished = false;
  const turn = () => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(lastCpu);
    const held = Math.min(now - last, (user + system) / 1_000);
    stall = Math.max(stall, held);
    if (held > HELD_MS) stalls += 1;
    last = now;
    lastCpu = process.cpuUsage();
    if (!finished) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  finished = true;
  return { stall, stalls, total: performance.now() - start };
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
}
