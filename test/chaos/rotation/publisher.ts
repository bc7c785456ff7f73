import PusherServer from "pusher";
import { openSigned } from "../../support/signed-client.ts";

/** What was signed by publishers, by kind, and how much of it was refused. */
export interface Tally {
  requests: number;
  subscriptions: number;
  signIns: number;
  refusedRequests: number;
  refusedSubscriptions: number;
  refusedSignIns: number;
}

export interface PublisherOptions {
  readonly appId: string;
  readonly key: string;
  readonly ports: readonly number[];
  readonly secret: string;
  readonly tally: Tally;
  /** Gives each channel another name. */
  readonly nextChannel: () => string;
  /** A client has joined it, and has left again: both are told by webhooks. */
  readonly onChannel: (name: string) => void;
}

/** So many requests, and then a client. */
const REQUESTS_PER_CLIENT = 4;

/** A backend of an app: publishes events, and signs for clients. It knows one secret, until somebody gives it another. */
export class Publisher {
  secret: string;
  /** Rounds that it has ended. */
  rounds = 0;
  readonly #options: PublisherOptions;
  #isStopped = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.secret = options.secret;
  }

  /** Until it is stopped. Rejects when a node does not answer. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      for (const port of this.#options.ports) {
        for (let i = 0; i < REQUESTS_PER_CLIENT; i += 1) await this.#publish(port);
        await this.#client(port);
      }
      this.rounds += 1;
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #publish(port: number): Promise<void> {
    const { appId, key, tally } = this.#options;
    const address = { host: "127.0.0.1", port: String(port), useTLS: false };
    const api = new PusherServer({ appId, key, secret: this.secret, ...address });
    tally.requests += 1;
    try {
      await api.trigger("public", "event", { text: "signed with its md5" });
    } catch (error) {
      if ((error as { status?: number }).status !== 401) throw error;
      tally.refusedRequests += 1;
    }
  }

  async #client(port: number): Promise<void> {
    const { key, tally, nextChannel, onChannel } = this.#options;
    const { secret } = this;
    const client = await openSigned(port, key);
    tally.signIns += 1;
    if (!(await client.signsIn(secret))) {
      tally.refusedSignIns += 1;
      client.close();
      return;
    }
    for (const kind of ["private", "presence"]) {
      const channel = `${kind}-${nextChannel()}`;
      tally.subscriptions += 1;
      if (await client.subscribes(channel, secret)) onChannel(channel);
      else tally.refusedSubscriptions += 1;
    }
    client.close();
  }
}
