import type { GuardedSocket } from "./soketi-parts.ts";

export interface EarlyMessagesLimits {
  /** Messages of one connection. */
  readonly maxMessages: number;
  /** Bytes of one connection's messages. */
  readonly maxBytes: number;
  /** Bytes of all connections' messages together: there may be any number of connections. */
  readonly maxBytesOfNode: number;
}

/** A client that subscribes to all that it will ever use, at once, stays within them. */
export const EARLY_MESSAGES: EarlyMessagesLimits = {
  maxMessages: 100,
  maxBytes: 64 * 1024,
  maxBytesOfNode: 16 * 1024 * 1024,
};

interface Waiting {
  readonly messages: ArrayBuffer[];
  bytes: number;
}

/**
 * What clients send while their app is still looked up, in order. It is held for as long as the lookup takes, which has a
 * budget, and until its turn comes; or until the client leaves.
 */
export class EarlyMessages {
  readonly #limits: EarlyMessagesLimits;
  readonly #held = new Map<GuardedSocket, Waiting>();
  #bytes = 0;

  constructor(limits: EarlyMessagesLimits) {
    this.#limits = limits;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many are held of this connection. */
  count(socket: GuardedSocket): number {
    return this.#held.get(socket)?.messages.length ?? 0;
  }

  /** @returns whether there was room for it. */
  hold(socket: GuardedSocket, message: ArrayBuffer): boolean {
    const held = this.#held.get(socket) ?? { messages: [], bytes: 0 };
    const { maxMessages, maxBytes, maxBytesOfNode } = this.#limits;
    const size = message.byteLength;
    const isFull =
      held.messages.length >= maxMessages ||
      held.bytes + size > maxBytes ||
      this.#bytes + size > maxBytesOfNode;
    if (isFull) return false;
    // uWebSockets.js takes its buffer back after the call.
    held.messages.push(message.slice(0));
    held.bytes += size;
    this.#bytes += size;
    this.#held.set(socket, held);
    return true;
  }

  /** The oldest; it is held no longer. Undefined when there is none. */
  takeFirst(socket: GuardedSocket): ArrayBuffer | undefined {
    const held = this.#held.get(socket);
    const message = held?.messages.shift();
    if (!held || !message) return undefined;
    held.bytes -= message.byteLength;
    this.#bytes -= message.byteLength;
    if (held.messages.length === 0) this.#held.delete(socket);
    return message;
  }

  /** Holds nothing of this connection any more. */
  drop(socket: GuardedSocket): void {
    this.#bytes -= this.#held.get(socket)?.bytes ?? 0;
    this.#held.delete(socket);
  }
}
