/**
 * Gathers the pieces of a request's body into one, up to a limit. soketi copies all that it has with each piece that
 * comes, and looks at the size when it has everything. (soketi 1.6.1, dist/http-handler.js, `readJson`.)
 */
export class RequestBody {
  readonly #limit: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #isDropped = false;

  /** @param limit bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get isTooLarge(): boolean {
    return this.#bytes > this.#limit;
  }

  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** uWebSockets.js takes its buffer back after the call. What is over the limit is not kept. */
  add(piece: ArrayBuffer): void {
    this.#bytes += piece.byteLength;
    if (this.isTooLarge) this.#pieces = [];
    else if (!this.#isDropped) this.#pieces.push(new Uint8Array(piece.slice(0)));
  }

  /** Nothing of it is kept, nor of what still comes. */
  drop(): void {
    this.#isDropped = true;
    this.#pieces = [];
  }

  /** All of it, once: it is kept no longer. */
  take(): ArrayBuffer {
    const whole = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.byteLength;
    }
    this.#pieces = [];
    return whole.buffer;
  }
}
