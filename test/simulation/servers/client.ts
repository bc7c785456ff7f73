import { EventEmitter } from "node:events";
import type { ClientOptions, RedisClient } from "../../../src/redis/library.ts";
import type { Event } from "../virtual-time.ts";
import type { Reply } from "./lua.ts";
import { type Endpoint, type Process, type Resolve, SimulatedSocket } from "./network.ts";
import { SentinelTurn } from "./sentinel-turn.ts";

interface Command {
  readonly words: readonly string[];
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  timer: Event | undefined;
}

/** Told of each command that is written to a socket. */
export type OnSent = (words: readonly string[]) => void;

export interface ClientPlace {
  readonly process: Process;
  readonly resolve: Resolve;
  readonly onSent: OnSent;
}

type Status = "wait" | "connecting" | "ready" | "close" | "reconnecting" | "end";

/**
 * A connection as ioredis makes it, as far as it matters when things break: what cannot be sent yet waits; what was sent
 * without an answer is sent again after a reconnect; a command that has timed out stays where it is, and its answer is
 * dropped; attempts go on by `retryStrategy`.
 */
export class SimulatedClient extends EventEmitter {
  status: Status = "wait";
  stream: SimulatedSocket["stream"] | undefined;
  readonly options: ClientOptions & { host?: string | undefined; port?: number | undefined };
  readonly #place: ClientPlace;
  readonly #turn: SentinelTurn | undefined;
  #socket: SimulatedSocket | undefined;
  #waiting: Command[] = [];
  #sent: Command[] = [];
  #toResend: Command[] = [];
  #failures = 0;
  /** Counts attempts and sockets: what belongs to a former one is nothing any more. */
  #attempt = 0;
  #isClosing = false;
  #retry: Event | undefined;
  #silence: Event | undefined;

  constructor(options: ClientOptions, place: ClientPlace) {
    super();
    this.options = options;
    this.#place = place;
    this.#turn = options.sentinels && new SentinelTurn(options.sentinels);
  }

  connect(): Promise<void> {
    if (this.status === "connecting" || this.status === "ready")
      return Promise.reject(new Error("Redis is already connecting/connected"));
    this.status = "connecting";
    this.#attempt += 1;
    return new Promise((resolve, reject) => {
      const settled = (error?: Error) => {
        this.off("ready", settled);
        this.off("failed", settled);
        if (error) reject(error);
        else resolve();
      };
      this.on("ready", settled);
      this.on("failed", settled);
      this.#open(this.#attempt);
    });
  }

  disconnect(reconnect = false): void {
    const { time, owner } = this.#place.process;
    if (!reconnect) {
      this.#isClosing = true;
      time.cancel(this.#retry);
      this.#retry = undefined;
    }
    if (this.status === "wait") this.#closed("Connection is closed.");
    else if (this.status === "connecting" || this.status === "ready") {
      const attempt = this.#attempt;
      this.#socket?.close();
      const gone = () => {
        if (attempt === this.#attempt) this.#closed("Connection is closed.");
      };
      time.after(0, gone, owner);
    }
  }

  send(...words: readonly (string | number)[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.status === "end") {
        reject(new Error("Connection is closed."));
        return;
      }
      if (this.status === "wait") this.connect().catch(() => undefined);
      const command: Command = { words: words.map(String), resolve, reject, timer: undefined };
      const { commandTimeout } = this.options;
      const late = () => {
        reject(new Error("Command timed out"));
      };
      command.timer = this.#after(commandTimeout, late);
      if (this.status === "ready") this.#write(command);
      else this.#waiting.push(command);
    });
  }

  #write(command: Command): void {
    this.#place.onSent(command.words);
    this.#sent.push(command);
    this.#watchSilence();
    this.#socket?.write(command.words);
  }

  #after(ms: number | undefined, run: () => void): Event | undefined {
    const { time, owner } = this.#place.process;
    return ms === undefined ? undefined : time.after(ms, run, owner);
  }

  /** Sentinels first, where there are any; then the server itself, which is asked whether it is ready. */
  #open(attempt: number): void {
    const { process, resolve } = this.#place;
    const isOver = () => attempt !== this.#attempt || this.status !== "connecting";
    const late = () => {
      if (!isOver()) this.#closed("connect ETIMEDOUT");
    };
    let timer = this.#after(this.options.connectTimeout, late);
    const refused = (words: string) => {
      process.time.cancel(timer);
      if (!isOver()) this.#closed(words);
    };
    const there = process.link.pipe("world");
    const back = process.link.pipe(process.owner);
    const answer = (endpoint: Endpoint | undefined) => {
      back.send(() => {
        process.link.close(there);
        process.link.close(back);
        if (isOver()) return;
        const state = endpoint && process.link.stateOf(endpoint.host);
        if (state === "silent") return;
        if (!endpoint?.up || state === "cut") {
          refused("connect ECONNREFUSED");
          return;
        }
        process.time.cancel(timer);
        this.#attach(attempt, endpoint);
      });
    };
    if (process.link.state === "cut") {
      process.time.after(process.link.delay(), () => {
        refused("connect ECONNREFUSED");
      });
      return;
    }
    const wait = (ms: number, next: () => void) => {
      process.time.cancel(timer);
      timer = undefined;
      this.#after(ms, () => {
        if (!isOver()) next();
      });
    };
    const found = (endpoint: Endpoint | undefined) => {
      // Sentinels that say nothing do not count against the server.
      timer ??= this.#after(this.options.connectTimeout, late);
      answer(endpoint);
    };
    there.send(() => {
      if (this.#turn) this.#bySentinels(this.#turn, { found, wait });
      else found(resolve(...placeOf(this.options), process.link));
    });
  }

  /** The first that answers is believed, as ioredis does it. */
  #bySentinels(
    turn: SentinelTurn,
    { found, wait }: { found: (primary: Endpoint) => void; wait: (ms: number, next: () => void) => void },
    rounds = 0,
  ): void {
    const { process, resolve } = this.#place;
    const { connectTimeout } = this.options;
    for (let one = turn.next(); one; one = turn.next()) {
      const state = process.link.stateOf(one.host);
      const sentinel = resolve(one.host, one.port, process.link);
      if (state === "silent") {
        wait(connectTimeout, () => this.#bySentinels(turn, { found, wait }, rounds));
        return;
      }
      if (state === "up" && sentinel?.up && "primary" in sentinel) {
        found(sentinel.primary as Endpoint);
        return;
      }
    }
    wait(Math.min(10 * (rounds + 1), 1_000), () => this.#bySentinels(turn, { found, wait }, rounds + 1));
  }

  #attach(attempt: number, endpoint: Endpoint): void {
    const isMine = () => attempt === this.#attempt;
    const socket = new SimulatedSocket(this.#place.process, endpoint, {
      answered: (answer) => {
        if (isMine()) this.#answered(answer);
      },
      pushed: (channel, payload) => {
        if (isMine()) this.emit("message", channel, payload);
      },
      ended: () => {
        if (isMine()) this.#closed("Connection is closed.");
      },
    });
    this.#socket = socket;
    this.stream = socket.stream;
    // The ready check.
    const ready = (info: Reply) => {
      if (!isMine() || this.status !== "connecting") return;
      if (this.#turn && typeof info === "string" && info.includes("role:slave")) {
        this.#turn.wasWrong();
        this.disconnect(true);
        return;
      }
      this.status = "ready";
      this.#failures = 0;
      this.emit("ready");
      for (const command of [...this.#toResend.splice(0), ...this.#waiting.splice(0)]) this.#write(command);
    };
    const failed = () => {
      if (isMine()) this.disconnect(true);
    };
    const timer = this.#after(this.options.commandTimeout, failed);
    this.#sent.push({ words: ["INFO"], resolve: ready, reject: failed, timer });
    socket.write(["INFO"]);
  }

  #answered(answer: Reply | Error): void {
    const { time } = this.#place.process;
    const command = this.#sent.shift();
    time.cancel(this.#silence);
    this.#silence = undefined;
    if (this.#sent.length > 0) this.#watchSilence();
    if (!command) return;
    time.cancel(command.timer);
    if (answer instanceof Error) {
      command.reject(answer);
      if (this.options.reconnectOnError(answer)) this.disconnect(true);
    } else command.resolve(answer);
  }

  #watchSilence(): void {
    const { socketTimeout } = this.options;
    const attempt = this.#attempt;
    this.#silence ??= this.#after(socketTimeout, () => {
      this.#silence = undefined;
      if (attempt !== this.#attempt) return;
      this.#socket?.close();
      this.#closed("Socket timeout");
    });
  }

  #closed(why: string): void {
    const { time, owner } = this.#place.process;
    const wasReady = this.status === "ready";
    this.#attempt += 1;
    this.#socket?.close();
    this.#socket = undefined;
    time.cancel(this.#silence);
    this.#silence = undefined;
    this.status = "close";
    if (!this.#isClosing && !wasReady) this.emit("error", failureOf(why));
    this.emit("failed", failureOf(why));
    if (wasReady) this.#toResend.push(...this.#sent);
    else this.#sent.forEach(({ timer }) => time.cancel(timer));
    this.#sent = [];
    this.emit("close");
    const pause = this.#isClosing ? null : this.options.retryStrategy((this.#failures += 1));
    if (pause === null) {
      this.#isClosing = false;
      this.status = "end";
      this.#flush(new Error("Connection is closed."));
      this.emit("end");
      return;
    }
    this.status = "reconnecting";
    const { maxRetriesPerRequest } = this.options;
    if (this.#failures % (maxRetriesPerRequest + 1) === 0)
      this.#flush(new Error("Reached the max retries per request limit (which is some)."));
    const again = () => {
      this.#retry = undefined;
      this.connect().catch(() => undefined);
    };
    this.#retry = time.after(pause, again, owner);
  }

  #flush(error: Error): void {
    const all = [...this.#toResend.splice(0), ...this.#waiting.splice(0)];
    for (const { reject, timer } of all) {
      this.#place.process.time.cancel(timer);
      reject(error);
    }
  }
}

function placeOf({ host = "127.0.0.1", port = 6379 }: ClientOptions): [string, number] {
  return [host, port];
}

function failureOf(words: string): Error {
  const code = /^connect (\w+)/.exec(words)?.[1];
  return Object.assign(new Error(words), code === undefined ? {} : { code });
}

/** With ioredis' own methods. */
export function asRedisClient(client: SimulatedClient): RedisClient {
  return new Proxy(client, {
    get(target, name) {
      if (name === "call") return (...words: string[]) => target.send(...words);
      if (name === "eval") return (...words: (string | number)[]) => target.send("EVAL", ...words);
      const value: unknown = Reflect.get(target, name);
      if (value !== undefined || typeof name === "symbol" || OWN.has(name))
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      return (...words: (string | number)[]) => target.send(name.toUpperCase(), ...words);
    },
  }) as unknown as RedisClient;
}

/** Absent, and no commands. A promise that is given one looks for `then`. */
const OWN: ReadonlySet<string> = new Set(["then", "nodes", "stream", "toJSON"]);
