import { createConnection, type Socket } from "node:net";

/** How a proxy misbehaves now. */
export interface Faults {
  refused: boolean;
  frozen: boolean;
  /** Whether a chunk that the server sends is lost. */
  isLost: (chunk: string) => boolean;
  /** How late the next chunk is passed on. Milliseconds. */
  delayMs: () => number;
}

export interface ProxiedConnectionOptions {
  readonly client: Socket;
  readonly target: { readonly host: string; readonly port: number };
  readonly faults: Readonly<Faults>;
  /** Gets each chunk that the client sends. */
  readonly watch: (chunk: string) => void;
  readonly onClosed: () => void;
}

/** How much of what a client sent is kept to tell connections apart. */
const MAX_SENT_CHARS = 4_096;

/** A client's connection to a proxy, and the proxy's own to the server. */
export class ProxiedConnection {
  /** What the client has sent so far. */
  sent = "";
  readonly #client: Socket;
  readonly #server: Socket;
  #frozen: boolean;

  constructor({ client, target, faults, watch, onClosed }: ProxiedConnectionOptions) {
    this.#client = client;
    this.#server = createConnection(target);
    this.#frozen = faults.frozen;
    const up = new InTurn();
    const down = new InTurn();
    this.#client.on("data", (chunk: Buffer) => {
      watch(chunk.toString());
      this.sent = (this.sent + chunk.toString()).slice(0, MAX_SENT_CHARS);
      up.after(faults.delayMs(), () => this.#pass(chunk, this.#server));
    });
    this.#server.on("data", (chunk: Buffer) => {
      if (!faults.isLost(chunk.toString()))
        down.after(faults.delayMs(), () => this.#pass(chunk, this.#client));
    });
    const ends = [
      { socket: this.#client, other: this.#server, way: up },
      { socket: this.#server, other: this.#client, way: down },
    ];
    for (const { socket, other, way } of ends) {
      // An error is told by `close` as well, and either end's end is the other's.
      socket.on("error", () => undefined);
      socket.on("close", () => {
        onClosed();
        way.after(0, () => {
          if (!this.#frozen) other.destroy();
        });
      });
    }
  }

  /** Nothing passes any more, for good. */
  freeze(): void {
    this.#frozen = true;
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #pass(chunk: Buffer, to: Socket): void {
    if (!this.#frozen && !to.destroyed) to.write(chunk);
  }
}

/** What is held back, one way. */
class InTurn {
  readonly #actions: (() => void)[] = [];
  /** When the last of them is due, on `performance.now()`. */
  #until = 0;

  /**
   * Does what is due some milliseconds from now, and after all that was due before. The first that waits goes when any timer
   * ends: timers of about the same time may change places.
   */
  after(delayMs: number, action: () => void): void {
    const now = performance.now();
    this.#actions.push(action);
    this.#until = Math.max(now + delayMs, this.#until);
    const next = () => this.#actions.shift()?.();
    if (this.#until <= now) next();
    else setTimeout(next, this.#until - now);
  }
}
