import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** One request that soketi has sent to a webhook. */
export interface ReceivedWebhook {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly events: readonly { readonly name: string; readonly channel: string }[];
}

export interface WebhookReceiver {
  /** Without a slash at its end. */
  readonly url: string;
  /** Ends its connections too. */
  close(): Promise<void>;
}

/** Takes webhooks, and answers each with 200. */
export async function startWebhookReceiver(
  onWebhook: (webhook: ReceivedWebhook) => void,
): Promise<WebhookReceiver> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { events } = JSON.parse(body) as Pick<ReceivedWebhook, "events">;
      onWebhook({ path: request.url ?? "", headers: request.headers, body, events });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
