/** axios, of which soketi's worker uses this. */
export interface HttpClient {
  post(url: string, data: unknown, config?: object): Promise<unknown>;
}

/**
 * soketi does not look at what a receiver says. It is not decompressed either: axios would end the decompression at the
 * limit, and keep the connection.
 */
const ANSWER = { maxContentLength: 1_000_000, decompress: false };

/**
 * Gives the requests of soketi's worker an end: it sets them none. A receiver that never answers, drips or answers without
 * an end would keep a connection, and what it says, for good. (soketi 1.6.1, dist/webhook-sender.js; axios 0.27.)
 */
export class WebhookRequests {
  /** Of the webhook whose requests are being made. */
  #signal: AbortSignal | undefined;

  /** @param client undefined in a soketi that has none: its requests are left as they are. */
  constructor(client: HttpClient | undefined) {
    if (!client) return;
    const post = client.post.bind(client);
    // Who embeds soketi may use the same axios: other requests than these are passed on as they are.
    client.post = (url, data, config) =>
      this.#signal
        ? post(url, data, { ...config, ...ANSWER, signal: this.#signal })
        : post(url, data, config);
  }

  /** The requests that are made while `work` is being called end with the signal. */
  endingWith<T>(signal: AbortSignal, work: () => T): T {
    this.#signal = signal;
    try {
      return work();
    } finally {
      this.#signal = undefined;
    }
  }
}
