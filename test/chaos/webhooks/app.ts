import { setTimeout as pause } from "node:timers/promises";
import type { AppsTable } from "../../../local/apps-table.ts";
import { connect, type PusherConnection } from "../../../local/pusher-client.ts";
import { acceptsSecret } from "../../../local/probe.ts";
import { eventually, item } from "../../support/fleet.ts";

/** A receiver knows two secrets: what was signed with the one before is in by then. Milliseconds. */
const OVERLAP_MS = 1_000;

export interface ChattyAppOptions {
  readonly id: string;
  readonly port: number;
  readonly table: AppsTable;
  /** Where its webhooks go. */
  readonly url: string;
  /** Between two client events. Milliseconds. */
  readonly everyMs: number;
  readonly nextNumber: () => number;
  /** A client event was heard by another client: soketi has taken it. */
  readonly onHeard: (number: number) => void;
}

/**
 * An app whose clients talk all the time: one sends client events, another hears them. Both are closed when the app gets
 * another key, and come back with the new one, in a channel of another name.
 */
export class ChattyApp {
  readonly #options: ChattyAppOptions;
  readonly #stop = new AbortController();
  #key: string;
  readonly #secrets: string[];
  #followedAt = -Infinity;
  #version = 1;
  #session = 0;
  /** Channels that were occupied when the app's change closed all who were in them. */
  readonly vacated: string[] = [];
  #connections: PusherConnection[] = [];

  constructor(options: ChattyAppOptions) {
    this.#options = options;
    this.#key = `${options.id}-key`;
    this.#secrets = [`${options.id}-secret`];
  }

  get id(): string {
    return this.#options.id;
  }

  /** All that it had, the latest first. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  /** Both of its clients are in the channel. */
  get isTalking(): boolean {
    return this.#connections.length === 2;
  }

  create(): Promise<void> {
    const types = ["client_event", "channel_vacated"];
    const webhooks = JSON.stringify([{ url: this.#options.url, event_types: types }]);
    return this.#options.table.put(
      item(this.id, { EnableClientMessages: { BOOL: true }, Webhooks: { S: webhooks } }),
    );
  }

  /** Another secret. Resolves when the node has it. */
  async rotate(): Promise<void> {
    await this.#nextSecret();
    await this.#options.table.update(this.id, { AppSecret: { S: this.#secret } });
    await this.isFollowed();
  }

  /** Another key and another secret, in one write. Resolves when the node has them. */
  async rekey(): Promise<void> {
    await this.#nextSecret();
    this.#key = `${this.id}-key-${this.#version}`;
    await this.#options.table.update(this.id, {
      AppKey: { S: this.#key },
      AppSecret: { S: this.#secret },
    });
    await this.isFollowed();
  }

  async isFollowed(): Promise<void> {
    const backend = { port: this.#options.port, appId: this.id, key: this.#key };
    await eventually(`the node to follow ${this.id}`, () => acceptsSecret(backend, this.#secret));
    this.#followedAt = performance.now();
  }

  get #secret(): string {
    return this.#secrets[0] ?? "";
  }

  async delete(): Promise<void> {
    this.#stop.abort();
    await this.#options.table.delete(this.id);
  }

  /** Resolves when it is stopped, and its clients are closed by the node. */
  async talk(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) await this.#talkOnce(`private-room-${(this.#session += 1)}`).catch(notYet);
  }

  async #nextSecret(): Promise<void> {
    await pause(Math.max(0, this.#followedAt + OVERLAP_MS - performance.now()));
    this.#version += 1;
    this.#secrets.unshift(`${this.id}-secret-${this.#version}`);
  }

  async #talkOnce(channel: string): Promise<void> {
    const { port, everyMs, nextNumber, onHeard } = this.#options;
    const opened: PusherConnection[] = [];
    try {
      for (let i = 0; i < 2; i += 1) {
        const connection = await connect({ port, key: this.#key, secret: () => this.#secret });
        opened.push(connection);
        await connection.subscribe(channel);
      }
      const [speaker, listener] = opened;
      if (!speaker || !listener) return;
      const state = { isClosed: false };
      const closed = Promise.all(opened.map(({ error }) => error)).then(() => {
        state.isClosed = true;
      });
      listener.client.bind("client-said", ({ number }: { number: number }) => onHeard(number));
      this.#connections = opened;
      for (let at = Date.now(); !state.isClosed && !this.#stop.signal.aborted; at += everyMs) {
        speaker.client.send_event("client-said", { number: nextNumber() }, channel);
        await Promise.race([closed, pause(Math.max(0, at + everyMs - Date.now()))]);
      }
      await closed;
      this.vacated.push(channel);
    } finally {
      this.#connections = [];
      for (const one of opened) one.disconnect();
    }
  }
}

/** The node has not seen the change yet, or the client was closed before it was in. */
async function notYet(): Promise<void> {
  await pause(100);
}
