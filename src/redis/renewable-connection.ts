import { within } from "../async/within.ts";
import { silence } from "./errors.ts";
import type { RedisClient, RedisConnection } from "./library.ts";
import { whenReady } from "./when-ready.ts";

/**
 * Kept back from the time that is left: a little more than a batch keeps back to answer and log its failure, so that it is
 * told in the words of Redis. Milliseconds.
 */
const RESERVE_MS = 600;

export interface RenewableOptions {
  readonly open: () => RedisConnection;
  /** How long one command may take, with connecting and all that is tried for it. Milliseconds. */
  readonly limitMs: number;
  /** How often to try again to connect, for one command. */
  readonly retries: number;
}

/** One command on its way. */
interface Use {
  readonly name: string | symbol;
  readonly args: unknown[];
  readonly remainingMs: () => number;
  /** What it is sent on: another one, once that has been given up. */
  connection: RedisConnection;
  /** Whoever asked for it has been told that it failed: what still goes on of it must send nothing. */
  isOver: boolean;
  /** Has it fail. */
  readonly abort: (error: Error) => void;
}

/** A connection that is awaited, by however many commands. */
interface Opening {
  readonly ready: Promise<void>;
  readonly abandon: (error: Error) => void;
}

/** What is no command: it is called at once, and sends nothing. */
const NO_COMMANDS: ReadonlySet<string | symbol> = new Set(["on", "off", "connect", "disconnect"]);

/**
 * A connection on which a command that has failed is not sent any more.
 *
 * ioredis keeps what it could not send yet, and what it has sent without an answer, and sends it once the server is back,
 * also after it has said that the command timed out. So a command waits here until the connection is there; and one that
 * ends without an answer of the server takes its connection with it, and all that waits there. The next opens another.
 */
export class RenewableConnection {
  readonly #options: RenewableOptions;
  #present: RedisConnection | undefined;
  /** Of the present one, while it is awaited. */
  #opening: Opening | undefined;
  readonly #running = new Set<Use>();

  constructor(options: RenewableOptions) {
    this.#options = options;
  }

  /**
   * The connection, for work that must end in time: once its time is up nothing is sent, also by a process that was
   * frozen meanwhile and goes on in the middle of it.
   *
   * @param remainingMs milliseconds left until the process may be stopped. Default: for ever.
   */
  during(remainingMs: () => number = () => Number.POSITIVE_INFINITY): RedisConnection {
    return new Proxy({} as RedisConnection, {
      has: (_, name) => name in this.#connection(),
      get: (_, name) => {
        if (name === "disconnect") return (again?: boolean) => this.#disconnect(again);
        if (name === "nodes") return (role: "all" | "master") => this.#nodes(role, remainingMs);
        const value: unknown = Reflect.get(this.#connection(), name);
        if (typeof value !== "function") return value;
        return NO_COMMANDS.has(name)
          ? (...args: unknown[]): unknown => Reflect.apply(value, this.#connection(), args)
          : (...args: unknown[]) => this.#command(name, args, remainingMs);
      },
    });
  }

  #nodes(role: "all" | "master", remainingMs: () => number): RedisClient[] {
    const connection = this.#connection();
    return "nodes" in connection ? connection.nodes(role).map((node) => inTime(node, remainingMs)) : [];
  }

  #connection(): RedisConnection {
    return (this.#present ??= this.#options.open());
  }

  async #command(name: string | symbol, args: unknown[], remainingMs: () => number): Promise<unknown> {
    const limitMs = Math.min(this.#options.limitMs, remainingMs() - RESERVE_MS);
    if (limitMs <= 0) throw timeIsUp();
    const { promise: aborted, reject: abort } = withReject();
    const use: Use = { name, args, remainingMs, connection: this.#connection(), isOver: false, abort };
    this.#running.add(use);
    try {
      const outcome = Promise.race([this.#send(use), aborted]);
      return await within(limitMs, () => silence(Math.round(limitMs)), outcome);
    } catch (error) {
      use.isOver = true;
      if (!isOfTheServer(error)) this.#giveUp(use.connection);
      throw error;
    } finally {
      this.#running.delete(use);
    }
  }

  /** For good: what is on its way fails at once, and does not keep the process alive. */
  #disconnect(again = false): void {
    if (again) {
      this.#present?.disconnect(true);
      return;
    }
    for (const use of this.#running) {
      use.isOver = true;
      use.abort(new Error("the connection was closed"));
    }
    if (this.#present) this.#giveUp(this.#present);
  }

  async #send(use: Use): Promise<unknown> {
    while (use.connection.status !== "ready") {
      await this.#untilReady(use.connection);
      // The process may have been frozen meanwhile, or the connection given up for another command.
      if (use.isOver || use.remainingMs() <= RESERVE_MS) throw timeIsUp();
      use.connection = this.#connection();
    }
    const command = Reflect.get(use.connection, use.name) as (...args: unknown[]) => Promise<unknown>;
    return command.apply(use.connection, use.args);
  }

  async #untilReady(connection: RedisConnection): Promise<void> {
    this.#opening ??= opening(connection, this.#options.retries);
    const awaited = this.#opening;
    try {
      await awaited.ready;
    } catch (error) {
      if (connection === this.#present) throw error;
    } finally {
      if (this.#opening === awaited) this.#opening = undefined;
    }
  }

  #giveUp(connection: RedisConnection): void {
    if (connection !== this.#present) return;
    const abandoned = this.#opening;
    this.#present = undefined;
    this.#opening = undefined;
    connection.disconnect();
    abandoned?.abandon(new Error("the connection was given up"));
  }
}

/** One node of a cluster, for what is sent to it directly: nothing is, once the time is up. It is never sent twice by ioredis. */
function inTime(node: RedisClient, remainingMs: () => number): RedisClient {
  return new Proxy(node, {
    get(client, name) {
      const value: unknown = Reflect.get(client, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown =>
        NO_COMMANDS.has(name) || remainingMs() > RESERVE_MS
          ? Reflect.apply(value, client, args)
          : Promise.reject(timeIsUp());
    },
  });
}

/** One that is given up between two attempts to connect says nothing of it: ioredis has no event then. */
function opening(connection: RedisConnection, retries: number): Opening {
  const { promise: abandoned, reject: abandon } = withReject();
  return { ready: Promise.race([whenReady(connection, retries), abandoned]), abandon };
}

/** `Promise.withResolvers` of Node 22, for what only ever fails. Nobody has to wait for it. */
function withReject(): { readonly promise: Promise<never>; readonly reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_, rejectIt) => (reject = rejectIt));
  promise.catch(() => undefined);
  return { promise, reject };
}

/** ioredis' name for what a server has answered: that command is done with. */
function isOfTheServer(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}

function timeIsUp(): Error {
  return Object.assign(new Error("its time limit passed before it was sent"), { code: "TIMEOUT" });
}
