import { createRequire } from "node:module";
import { type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { setTimeout as pause } from "node:timers/promises";
import { nextTurn } from "../../src/async/next-turn.ts";
import { leaveOwnChannels } from "../../src/soketi/leave-own-channels.ts";
import type {
  SoketiAdapter,
  SoketiAppClass,
  SoketiAppObject,
  SoketiServer,
  SoketiSocket,
  SoketiWsHandler,
} from "../../src/soketi/server.ts";
import { threadCpu } from "./thread-cpu.ts";

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

/** Other threads go on sweeping after a collection that was asked for; with two processors they take this thread's. Milliseconds. */
const SWEEPING_MS = 500;

/** How long the event loop stood still between two of its turns. Milliseconds. */
export interface Stalls {
  readonly longest: number;
  /** The longest, without what the garbage collector took of each. */
  readonly longestOwn: number;
  /** How many were longer than 10 ms. */
  readonly over10Ms: number;
  /** How long all took. */
  readonly total: number;
}

/**
 * The stalls while `work` goes on. Counted is what this thread needs of a processor: others may need it at the same time, also
 * the host of a virtual machine, and the threads that compile and collect beside this one.
 * What was made before is collected first: in a server it would have been, long ago.
 */
export async function stallsDuring(work: () => Promise<void>): Promise<Stalls> {
  collectGarbage();
  await pause(SWEEPING_MS);
  const collections = watchGarbageCollector();
  const ofThread = threadCpu();
  const start = performance.now();
  let last = start;
  let lastOfThread = ofThread();
  let lastOfProcess = process.cpuUsage();
  const turns: { from: number; held: number }[] = [];
  let finished = false;
  const turn = () => {
    const now = performance.now();
    const thread = ofThread();
    const { user, system } = process.cpuUsage(lastOfProcess);
    const used = thread === undefined || lastOfThread === undefined ? Infinity : thread - lastOfThread;
    // The system does not count what the host took as the process's; it does as the thread's.
    turns.push({ from: last, held: Math.min(now - last, used, (user + system) / 1_000) });
    last = now;
    lastOfThread = thread;
    lastOfProcess = process.cpuUsage();
    if (!finished) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  finished = true;
  const total = performance.now() - start;
  const collected = await collections.all();
  const own = turns.map(({ from, held }, i) => held - collected(from, turns[i + 1]?.from ?? Infinity));
  return {
    longest: longestOf(turns.map(({ held }) => held)),
    longestOwn: longestOf(own),
    over10Ms: turns.filter(({ held }) => held > HELD_MS).length,
    total,
  };
}

/** For more values than a call takes arguments. */
function longestOf(all: readonly number[]): number {
  return all.reduce((longest, one) => Math.max(longest, one), 0);
}

/** `all()` stops, and resolves with a function that says how many milliseconds of a span were the garbage collector's. */
function watchGarbageCollector() {
  const entries: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => entries.push(...list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  return {
    async all(): Promise<(from: number, to: number) => number> {
      // They are handed out in a later turn.
      for (let i = 0; i < 3; i += 1) await nextTurn();
      entries.push(...observer.takeRecords());
      observer.disconnect();
      entries.sort((a, b) => a.startTime - b.startTime);
      let next = 0;
      // Spans are asked for in their order.
      return (from, to) => {
        let sum = 0;
        for (; next < entries.length; next += 1) {
          const { startTime, duration } = entries[next] as PerformanceEntry;
          if (startTime >= to) break;
          if (startTime >= from) sum += duration;
        }
        return sum;
      };
    },
  };
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
}
