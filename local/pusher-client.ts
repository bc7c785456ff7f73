import { createRequire } from "node:module";
import type PusherJs from "pusher-js";
import type { Channel } from "pusher-js";
import PusherServer from "pusher";
import { within } from "../src/async/within.ts";

// pusher-js' build for Node is CommonJS and gives the class itself.
const Client = createRequire(import.meta.url)("pusher-js") as typeof PusherJs;

/** Thrown when the server refuses a connection. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** Pusher's close code: 4001 no such app, 4003 disabled, … */
  readonly code: number;

  constructor(code: number, message: string) {
    super(`connection refused with ${code}: ${message}`);
    this.code = code;
  }
}

/** A connection of a real pusher-js client. */
export interface PusherConnection {
  readonly socketId: string;
  /** The first error with a code that the server sends. */
  readonly error: Promise<number>;
  /** Resolves when subscribed; rejects with what the server says. A private channel needs `secret` at `connect`. */
  subscribe(channel: string): Promise<Channel>;
  readonly client: PusherJs;
  disconnect(): void;
}

interface ConnectOptions {
  readonly port: number;
  readonly key: string;
  /** Signs private channels; asked for at each subscription, so that it can be rotated meanwhile. */
  readonly secret?: () => string;
  /** How long it may take. Milliseconds; default 30,000, far longer than a soketi that works ever takes. */
  readonly limitMs?: number;
  /** Called at each refusal, after which the client does what pusher-js does: some codes it comes back after. */
  readonly onRefused?: (code: number) => void;
}

/**
 * Connects a real pusher-js client.
 *
 * @throws RefusedError with the server's code, unless `onRefused` is given; Error when there is no answer.
 */
export async function connect({
  port,
  key,
  secret,
  limitMs = LIMIT_MS,
  onRefused,
}: ConnectOptions): Promise<PusherConnection> {
  const client = new Client(key, {
    cluster: "local",
    wsHost: "127.0.0.1",
    wsPort: port,
    forceTLS: false,
    enableStats: false,
    enabledTransports: ["ws"],
    ...(secret ? { channelAuthorization: authorizer(key, secret) } : {}),
  });
  const error = new Promise<number>((resolve) => {
    client.connection.bind("error", (event: unknown) => {
      const code = codeOf(event);
      if (code === undefined) return;
      if (onRefused) onRefused(code);
      else resolve(code);
    });
  });
  const connected = new Promise<void>((resolve) => {
    client.connection.bind("connected", () => resolve());
  });
  const refused = await within(
    limitMs,
    `a client of ${key} to connect or to be refused`,
    Promise.race([connected, error]),
  ).catch((late: unknown) => {
    client.disconnect();
    throw late;
  });
  if (refused !== undefined) {
    client.disconnect();
    throw new RefusedError(refused, "see Pusher's close codes");
  }
  return {
    client,
    error,
    socketId: client.connection.socket_id,
    subscribe: (channel) => subscribe(client, channel),
    disconnect: () => client.disconnect(),
  };
}

function subscribe(client: PusherJs, name: string): Promise<Channel> {
  client.unsubscribe(name);
  const channel = client.subscribe(name);
  const outcome = new Promise<Channel>((resolve, reject) => {
    channel.bind("pusher:subscription_succeeded", () => resolve(channel));
    channel.bind("pusher:subscription_error", (event: { status?: number; error?: string }) =>
      reject(new Error(`subscription to ${name} refused with ${event.status ?? "?"}: ${event.error ?? ""}`)),
    );
  });
  return within(LIMIT_MS, `an answer to the subscription to ${name}`, outcome);
}

/** Milliseconds. */
const LIMIT_MS = 120_000;

/** What a backend does for private channels: signs with the app's secret. */
function authorizer(key: string, secret: () => string) {
  return {
    transport: "ajax" as const,
    endpoint: "",
    customHandler: (
      { socketId, channelName }: { socketId: string; channelName: string },
      callback: (error: Error | null, data: { auth: string } | null) => void,
    ) => {
      const backend = new PusherServer({ appId: "-", key, secret: secret(), cluster: "local" });
      callback(null, backend.authorizeChannel(socketId, channelName));
    },
  };
}

/** pusher-js wraps what the server sent more or less deeply, depending on how the connection ended. */
export function codeOf(event: unknown): number | undefined {
  const { data, error } = event as { data?: { code?: number }; error?: { data?: { code?: number } } };
  return data?.code ?? error?.data?.code;
}
