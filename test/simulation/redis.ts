import type { Tail } from "../../src/agent/ports.ts";
import type { LogEntry } from "../../src/protocol/live.ts";
import type { EncodedMessage } from "../../src/protocol/encode.ts";
import { formatMessageId, type MessageId } from "../../src/protocol/message-id.ts";
import type { Version } from "./table.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** One Redis server's data. A failover or a restart makes another. */
interface Server {
  readonly identity: string;
  log: LogEntry[];
  last: MessageId | undefined;
}

/** Who is subscribed, on which server. */
export interface Subscriber {
  readonly node: string;
  readonly server: string;
  deliver(payload: string, tells: readonly Version[]): void;
  /** Its server is gone. `silently`: the socket does not say so. */
  serverGone(silently: boolean): void;
}

/** Of what a server is told by: its run id. */
export function runOf(identity: string): string {
  return identity.replace(/\/.*$/, "");
}

/** Any fixed time will do. */
const EPOCH_BASE = 1_700_000_000_000;

/**
 * Redis as the log's two scripts see it (src/redis/scripts.ts), with what can happen to it. Every call is made
 * at the moment it reaches the server; latency is the network's.
 */
export class SimulatedRedis {
  up = true;
  /** A demoted or full master: it answers, and refuses to write. */
  refusesWrites = false;
  /** How likely one message does not reach one subscriber: a cluster's bus is best effort. */
  loss = 0;
  /** Entries that the log keeps. */
  keep: number;
  readonly subscribers = new Set<Subscriber>();
  readonly #time: VirtualTime;
  readonly #random: () => number;
  #servers = 1;
  #server: Server = { identity: "run-1/repl-1", log: [], last: undefined };

  constructor(time: VirtualTime, random: () => number, keep: number) {
    this.#time = time;
    this.#random = random;
    this.keep = keep;
  }

  get identity(): string {
    return this.#server.identity;
  }

  /** The script APPEND. `tells` names the writes that these messages tell of. */
  append(messages: readonly EncodedMessage[], tells: readonly Version[]): void {
    this.#assertWritable();
    const server = this.#server;
    for (const version of tells) version.publishedAt ??= this.#time.now;
    const begin = server.last ?? { epoch: EPOCH_BASE + Math.floor(this.#time.now), seq: 0 };
    for (const [i, { whole: json, live }] of messages.entries()) {
      const id = { epoch: begin.epoch, seq: begin.seq + 1 + i };
      server.log.push({ id, json });
      server.last = id;
      const payload = `${formatMessageId(id)} ${live}`;
      this.#publish(payload, tells);
    }
    server.log = server.log.slice(-this.keep);
  }

  /** The script HEARTBEAT. */
  heartbeat(): Tail {
    this.#assertWritable();
    const { last, identity } = this.#server;
    return { last, server: identity, run: runOf(identity) };
  }

  /** XRANGE of one epoch. */
  read(after: MessageId, last: MessageId): LogEntry[] {
    this.assertUp();
    return this.#server.log.filter(
      ({ id }) => id.epoch === after.epoch && id.seq > after.seq && id.seq <= last.seq,
    );
  }

  /** Something on the channel that is not ours. */
  publishGarbage(): void {
    this.#publish("not a message", []);
  }

  /** A replica takes over. It has not got the last entries yet. */
  failover(missing: number, silently: boolean): void {
    const { log } = this.#server;
    const kept = log.slice(0, Math.max(0, log.length - missing));
    this.#replace(
      missing === 0 ? [...log] : kept,
      kept.at(-1)?.id ?? (missing === 0 ? this.#server.last : undefined),
      silently,
    );
  }

  /** Killed and started: with its log, as from an append-only file, or empty. */
  restart(empty: boolean): void {
    const { log, last } = this.#server;
    this.#replace(empty ? [] : [...log], empty ? undefined : last, false);
  }

  /** Somebody deletes the log. */
  deleteLog(): void {
    this.#server.log = [];
    this.#server.last = undefined;
  }

  #replace(log: LogEntry[], last: MessageId | undefined, silently: boolean): void {
    this.#servers += 1;
    this.#server = { identity: `run-${this.#servers}/repl-${this.#servers}`, log, last };
    for (const subscriber of [...this.subscribers]) {
      this.subscribers.delete(subscriber);
      subscriber.serverGone(silently);
    }
  }

  #publish(payload: string, tells: readonly Version[]): void {
    for (const subscriber of this.subscribers)
      if (this.#random() >= this.loss) subscriber.deliver(payload, tells);
  }

  #assertWritable(): void {
    this.assertUp();
    if (this.refusesWrites) throw new Error("READONLY You can't write against a read only replica.");
  }

  assertUp(): void {
    if (!this.up) throw new Error("connect ECONNREFUSED");
  }
}
