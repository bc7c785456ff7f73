import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** What a backend gets of an app: the webhooks' events, and by which of the app's secrets they were signed. */
export interface Receiver {
  urlOf(appId: string): string;
  /** How often each client event came, by its number. */
  readonly events: ReadonlyMap<number, number>;
  /** How often each channel was said to be vacated, by app and channel. */
  readonly vacated: ReadonlyMap<string, number>;
  /** Webhooks that neither the secret of now nor the one before signs. */
  readonly badlySigned: readonly string[];
  stop(): Promise<void>;
}

interface Payload {
  readonly events: readonly { readonly name: string; readonly channel: string; readonly data?: unknown }[];
}

/** @param secretsOf all that the app had, the latest first. */
export async function startReceiver(secretsOf: (appId: string) => readonly string[]): Promise<Receiver> {
  const events = new Map<number, number>();
  const vacated = new Map<string, number>();
  const badlySigned: string[] = [];
  const take = (appId: string, body: string, headers: IncomingHttpHeaders) => {
    const payload = JSON.parse(body) as Payload;
    const changesAgo = secretsOf(appId).findIndex(
      (secret) => createHmac("sha256", secret).update(body).digest("hex") === headers["x-pusher-signature"],
    );
    if (changesAgo !== 0 && changesAgo !== 1)
      badlySigned.push(
        `app ${appId}: ${changesAgo < 0 ? "no secret" : `secret of ${changesAgo} changes ago`}`,
      );
    for (const { name, channel, data } of payload.events) {
      if (name === "client_event") count(events, numberOf(data));
      else if (name === "channel_vacated") count(vacated, `${appId} ${channel}`);
    }
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      take((request.url ?? "").slice(1), Buffer.concat(parts).toString(), request.headers);
      response.end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (appId) => `http://127.0.0.1:${port}/${appId}`,
    events,
    vacated,
    badlySigned,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function numberOf(data: unknown): number {
  return (typeof data === "object" && data !== null && "number" in data ? data.number : Number.NaN) as number;
}
