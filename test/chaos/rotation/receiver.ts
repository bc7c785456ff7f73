import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What a backend is told of an app's channels. */
export interface ChannelReceiver {
  readonly url: string;
  /** Webhooks that have come. */
  readonly count: number;
  /** Those that neither the secret of when they came signs, nor the one before or after it. */
  readonly badlySigned: number;
  /** How many webhooks are missing: each channel is occupied once, and vacated once. */
  missing(channels: ReadonlySet<string>): number;
  stop(): Promise<void>;
}

interface Payload {
  readonly events: readonly { readonly name: string; readonly channel: string }[];
}

/** @param secrets all that the app had, the first one first. */
export async function startChannelReceiver(secrets: readonly string[]): Promise<ChannelReceiver> {
  const events = new Set<string>();
  const received: { readonly body: Buffer; readonly signature: unknown; readonly known: number }[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      received.push({ body, signature: request.headers["x-pusher-signature"], known: secrets.length });
      for (const { name, channel } of (JSON.parse(body.toString()) as Payload).events) {
        events.add(`${name} ${channel}`);
      }
      response.end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get count() {
      return received.length;
    },
    get badlySigned() {
      // A node knows a new secret before the command line has printed it.
      return received.filter(
        ({ body, signature, known }) =>
          !secrets
            .slice(Math.max(0, known - 2), known + 1)
            .some((secret) => createHmac("sha256", secret).update(body).digest("hex") === signature),
      ).length;
    },
    missing: (channels) =>
      [...channels]
        .flatMap((channel) => [`channel_occupied ${channel}`, `channel_vacated ${channel}`])
        .filter((event) => !events.has(event)).length,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
