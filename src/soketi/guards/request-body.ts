/**
 * Gathers the pieces of a request's body into one, up to a limit, in one buffer: however small the pieces are, it takes at
 * most twice what has come. soketi copies all that it has with each piece that comes, and looks at the size when it has
 * everything. (soketi 1.6.1, dist/http-handler.js, `readJson`.)
 */
export class RequestBody {
  readonly #limit: number;
  #buffer = new Uint8Array(0);
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

  /** What it has come to. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What it takes in memory. While the buffer grows, within `add`, the old one is there as well. */
  get capacity(): number {
    return this.#buffer.byteLength;
  }

  /** uWebSockets.js takes its buffer back after the call. What is over the limit is not kept. */
  add(piece: ArrayBuffer): void {
    const at = this.#bytes;
    this.#bytes += piece.byteLength;
    if (this.isTooLarge) this.#buffer = new Uint8Array(0);
    if (this.isTooLarge || this.#isDropped) return;
    this.#grow();
    this.#buffer.set(new Uint8Array(piece), at);
  }

  /** Nothing of it is kept, nor of what still comes. */
  drop(): void {
    this.#isDropped = true;
    this.#buffer = new Uint8Array(0);
  }

  /** All of it, once: it is kept no longer. */
  take(): ArrayBuffer {
    const { buffer } = this.#buffer;
    this.#buffer = new Uint8Array(0);
    // An event comes in one piece, which fills it.
    return buffer.byteLength === this.#bytes ? buffer : buffer.slice(0, this.#bytes);
  }

  /** Doubles it: each byte is copied twice on average, and not with each piece. */
  #grow(): void {
    if (this.#bytes <= this.capacity) return;
    const grown = new Uint8Array(Math.max(this.#bytes, Math.min(2 * this.capacity, this.#limit)));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}
