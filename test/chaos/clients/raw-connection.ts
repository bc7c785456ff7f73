import { createConnection, type Socket } from "node:net";

/** As long as the longest answer that the guards allow, and a busy machine. Milliseconds. */
export const ANSWER_MS = 45_000;

const MAX_RECEIVED_CHARS = 64 * 1024;

/** A TCP connection to the node, whose other side may do what it likes. */
export class RawConnection {
  readonly #socket: Socket;
  #received = "";
  #isClosed = false;
  #error: string | undefined;
  readonly #openedAt = performance.now();
  #look: () => void = () => undefined;

  constructor(port: number) {
    this.#socket = createConnection({ host: "127.0.0.1", port, noDelay: true });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received = (this.#received + chunk.toString("latin1")).slice(-MAX_RECEIVED_CHARS);
      this.#look();
    });
    // Being cut off is what much of this is about: "close" follows.
    this.#socket.on("error", (error) => {
      this.#error = error.message;
    });
    this.#socket.on("close", () => {
      this.#isClosed = true;
      this.#look();
    });
  }

  get received(): string {
    return this.#received;
  }

  /** For messages: how it ended, and when. */
  get end(): string {
    const ms = Math.round(performance.now() - this.#openedAt);
    return `${this.#error ?? (this.#isClosed ? "closed by the node" : "open")}, after ${ms} ms`;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(...parts: readonly Buffer[]): void {
    if (!this.#isClosed && this.#socket.writable) this.#socket.write(Buffer.concat(parts));
  }

  /** Resolves when the node says something of this kind, or has closed, or after the limit. */
  async until(words: RegExp, limitMs = ANSWER_MS): Promise<"said" | "closed" | "late"> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve) => {
        timer = setTimeout(() => resolve("late"), limitMs);
        this.#look = () => {
          if (words.test(this.#received)) resolve("said");
          else if (this.#isClosed) resolve("closed");
        };
        this.#look();
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** With a reset, without a word. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** No more will come from here. */
  finish(): void {
    this.#socket.end();
  }
}
