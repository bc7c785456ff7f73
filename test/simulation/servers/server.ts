import { createHash } from "node:crypto";
import type { Random } from "../random.ts";
import { START_MS, type VirtualTime, WORLD } from "../virtual-time.ts";
import { Keyspace, SHRINKING, type Snapshot, WRITES } from "./keyspace.ts";
import { type Reply, ReplyError, runLua } from "./lua.ts";
import type { Endpoint, ServerSocket } from "./network.ts";

/** What is watched of all servers, for the oracle. */
export interface Watch {
  /** Something was published on the log's channel. */
  readonly published: (payload: string, server: SimulatedServer) => void;
  /** A script has run on a server. */
  readonly ran: (server: SimulatedServer, keys: readonly string[], args: readonly string[]) => void;
}

export interface ServerOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly watch: Watch;
  readonly host: string;
  /** INFO says who the server is. Some hosted Redis does not. */
  readonly tellsIdentity: boolean;
}

/** How many states of the log are kept, for failovers that lose the newest. */
const HISTORY = 12;

/** How far replicas are behind. Milliseconds: from, to. */
const REPLICA_LAG_MS = [0.1, 4] as const;

interface Waiter {
  readonly offset: number;
  readonly replicas: number;
  readonly reply: (reply: Reply) => void;
}

let runs = 0;

/** One redis-server: its data, its replicas and subscribers, and what it lets pass. */
export class SimulatedServer implements Endpoint {
  readonly host: string;
  readonly port = 6379;
  up = true;
  /** The process is gone, and not only nobody's to reach. */
  isKilled = false;
  /** Frozen, or on a host that is: what comes waits. */
  #frozen: (() => void)[] | undefined;
  /** Out of memory. */
  full = false;
  /** No replica gets anything from it. */
  isIsolated = false;
  /** How likely one message does not reach one subscriber: a cluster's bus is best effort. */
  loss = 0;
  run = `run${(runs += 1)}`;
  replication = `repl${runs}`;
  readonly #options: ServerOptions;
  #keys = new Keyspace();
  #primary: SimulatedServer | undefined;
  readonly #replicas = new Map<SimulatedServer, number>();
  #offset = 0;
  #history: Snapshot[] = [];
  #waiters: Waiter[] = [];
  readonly #scripts = new Map<string, string>();
  readonly #sockets = new Set<ServerSocket>();
  readonly #channels = new Map<string, Set<ServerSocket>>();
  /** Who else passes on what is published here: all nodes of a cluster. */
  bus: readonly SimulatedServer[] = [];
  /** What a command for a key is answered with where another server has its slot. */
  moved: () => string | undefined = () => undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.host = options.host;
  }

  /** Whom it follows. */
  get primary(): SimulatedServer | undefined {
    return this.#primary;
  }

  get isPrimary(): boolean {
    return this.#primary === undefined;
  }

  get keys(): Keyspace {
    return this.#keys;
  }

  connected(socket: ServerSocket): void {
    this.#sockets.add(socket);
  }

  closed(socket: ServerSocket): void {
    this.#sockets.delete(socket);
    for (const sockets of this.#channels.values()) sockets.delete(socket);
  }

  receive(
    socket: ServerSocket,
    [name = "", ...args]: readonly string[],
    reply: (answer: Reply | Error) => void,
  ): void {
    if (this.#frozen) {
      this.#frozen.push(() => {
        this.receive(socket, [name, ...args], reply);
      });
      return;
    }
    if (!this.up) return;
    try {
      if (name === "WAIT") this.#wait(Number(args[0]), Number(args[1]), reply);
      else reply(this.#execute(socket, name, args));
    } catch (error) {
      reply(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The process is killed: its sockets end, and what it knew of clients is gone. */
  kill(): void {
    this.up = false;
    this.isKilled = true;
    this.dropClients();
    this.#scripts.clear();
  }

  /** @param data what it starts with: its own by default. */
  start(data: Snapshot = this.#keys.snapshot(), keepsReplication = false): void {
    this.up = true;
    this.isKilled = false;
    runs += 1;
    this.run = `run${runs}`;
    if (!keepsReplication) this.replication = `repl${runs}`;
    this.#load(data);
  }

  freeze(): void {
    this.#frozen ??= [];
  }

  thaw(): void {
    const waiting = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const run of waiting) run();
  }

  /** As a Sentinel does it to servers that it reconfigures. */
  dropClients(): void {
    for (const socket of [...this.#sockets]) {
      this.closed(socket);
      socket.end();
    }
  }

  /** @param missing how many of the newest messages it has not got yet. */
  promote(missing: number): void {
    const former = this.#primary;
    this.#primary = undefined;
    if (former) former.#replicas.delete(this);
    runs += 1;
    this.replication = `repl${runs}`;
    if (missing > 0 && former) this.#load(former.#history.at(-1 - missing) ?? new Map());
  }

  /** Takes over what the other has, at once. */
  follow(primary: SimulatedServer): void {
    if (this.#primary) this.#primary.#replicas.delete(this);
    this.#primary = primary;
    this.replication = primary.replication;
    this.#replicas.clear();
    this.#failWaiters();
    this.#load(primary.#keys.snapshot());
    this.#offset = primary.#offset;
    primary.#replicas.set(this, primary.#offset);
  }

  /** Replication stops, and goes on with all that was missed. */
  isolate(): void {
    this.isIsolated = true;
  }

  rejoin(): void {
    if (!this.isIsolated) return;
    this.isIsolated = false;
    for (const replica of [...this.#replicas.keys()]) replica.follow(this);
  }

  publish(channel: string, payload: string): void {
    this.#options.watch.published(payload, this);
    for (const server of [this, ...this.bus.filter((one) => one !== this)]) server.#passOn(channel, payload);
    // The replication has it, too.
    if (this.isIsolated) return;
    for (const replica of this.#replicas.keys())
      if (!this.bus.includes(replica)) replica.#passOn(channel, payload);
  }

  /** Something changed from outside the product: somebody's command. */
  tamper(change: (keys: Keyspace) => void, appends = false): void {
    change(this.#keys);
    this.#written(appends);
  }

  #passOn(channel: string, payload: string): void {
    if (!this.up) return;
    for (const socket of this.#channels.get(channel) ?? [])
      if (this.#options.random.next() >= this.loss) socket.push(channel, payload);
  }

  #load(data: Snapshot): void {
    this.#keys = new Keyspace(data);
    this.#history = [data];
  }

  #execute(socket: ServerSocket, name: string, args: readonly string[]): Reply {
    switch (name) {
      case "PING":
        return "PONG";
      case "INFO":
        return this.#info();
      case "SUBSCRIBE":
        for (const channel of args)
          this.#channels.set(channel, (this.#channels.get(channel) ?? new Set()).add(socket));
        return args.length;
      case "EVAL":
      case "EVALSHA":
        return this.#script(name, args);
      default:
        return this.#command(name, args, true);
    }
  }

  #script(name: string, [text = "", count = "0", ...rest]: readonly string[]): Reply {
    const lua = name === "EVAL" ? text : this.#scripts.get(text);
    if (lua === undefined) throw new ReplyError("NOSCRIPT No matching script.");
    if (name === "EVAL") this.#scripts.set(shaOf(text), text);
    const keys = rest.slice(0, Number(count));
    const args = rest.slice(Number(count));
    const elsewhere = this.moved();
    if (elsewhere !== undefined) throw new ReplyError(elsewhere);
    const did = { write: false, append: false };
    const reply = runLua(lua, keys, args, (command, values) => {
      if (command === "PUBLISH") {
        this.publish(values[0] ?? "", values[1] ?? "");
        return 0;
      }
      const value = this.#command(command, values, false, did.write);
      did.write ||= WRITES.has(command);
      did.append ||= command === "XADD";
      return value;
    });
    this.#options.watch.ran(this, keys, args);
    if (did.write) this.#written(did.append);
    return reply;
  }

  /** @param hasWritten a script, before: a full server refuses no more of it then. */
  #command(given: string, args: readonly string[], isAlone: boolean, hasWritten = false): Reply {
    const name = given.toUpperCase();
    if (name === "INFO") return this.#info();
    const elsewhere = isAlone ? this.moved() : undefined;
    if (elsewhere !== undefined) throw new ReplyError(elsewhere);
    if (WRITES.has(name)) {
      if (this.#primary) throw new ReplyError("READONLY You can't write against a read only replica.");
      if (this.full && !hasWritten && !SHRINKING.has(name))
        throw new ReplyError("OOM command not allowed when used memory > 'maxmemory'.");
    }
    const reply = this.#keys.run(name, args, START_MS + this.#options.time.now);
    if (isAlone && WRITES.has(name)) this.#written();
    return reply;
  }

  #info(): string {
    const role = `role:${this.isPrimary ? "master" : "slave"}\r\n`;
    if (!this.#options.tellsIdentity) return `redis_version:7.0.15\r\n${role}`;
    return `run_id:${this.run}\r\nmaster_replid:${this.replication}\r\n${role}`;
  }

  /** Replicas get it a little later. */
  #written(appended = false): void {
    const { time, random } = this.#options;
    this.#offset += 1;
    const offset = this.#offset;
    const data = this.#keys.snapshot();
    if (appended) this.#history = [...this.#history, data].slice(-HISTORY);
    for (const replica of this.#replicas.keys()) {
      const arrive = () => {
        if (this.isIsolated || replica.#primary !== this || !replica.up || offset <= replica.#offset) return;
        replica.#keys = new Keyspace(data);
        replica.#offset = offset;
        if (appended) replica.#history = [...replica.#history, data].slice(-HISTORY);
        this.#replicas.set(replica, offset);
        this.#checkWaiters();
      };
      time.after(random.between(...REPLICA_LAG_MS), arrive, WORLD);
    }
  }

  #wait(replicas: number, limitMs: number, reply: (answer: Reply) => void): void {
    const waiter: Waiter = { offset: this.#offset, replicas, reply };
    this.#waiters.push(waiter);
    const late = () => {
      if (!this.#waiters.includes(waiter)) return;
      this.#waiters = this.#waiters.filter((one) => one !== waiter);
      reply(this.#having(waiter.offset));
    };
    this.#options.time.after(limitMs, late, WORLD);
    this.#checkWaiters();
  }

  #checkWaiters(): void {
    for (const waiter of [...this.#waiters]) {
      const having = this.#having(waiter.offset);
      if (having < waiter.replicas) continue;
      this.#waiters = this.#waiters.filter((one) => one !== waiter);
      waiter.reply(having);
    }
  }

  #failWaiters(): void {
    for (const { reply } of this.#waiters.splice(0)) reply(0);
  }

  #having(offset: number): number {
    return [...this.#replicas.values()].filter((one) => one >= offset).length;
  }
}

function shaOf(lua: string): string {
  return createHash("sha1").update(lua).digest("hex");
}
