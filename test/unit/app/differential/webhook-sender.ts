import { createHmac } from "node:crypto";
import http from "node:http";
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { inspect } from "node:util";
import { WEBHOOK_EVENT_TYPES } from "../../../../src/app/app.ts";

/*
 * soketi's own WebhookSender, and the axios and Node's http under it, up to the socket: what would go over the wire for
 * one event. Nothing is sent.
 */

/** Channels with which the filters of the generated webhooks are told from each other. */
export const CHANNELS = ["a-room-z", "true-0", "false-false", "5,x", "[object Object]", "other"];

const known = new Map<string, Promise<string>>();

/** What soketi would send, for one event of each type on each channel, in the order of the webhooks. */
export function sentWebhooks(webhooks: unknown): Promise<string> {
  const name = inspect(webhooks, { depth: Infinity, maxStringLength: Infinity, breakLength: Infinity });
  const sent = known.get(name) ?? sendAll(webhooks);
  known.set(name, sent);
  return sent;
}

async function sendAll(webhooks: unknown): Promise<string> {
  const sent = WEBHOOK_EVENT_TYPES.flatMap((name) =>
    CHANNELS.map(async (channel) => {
      const made = callsFor(webhooks, { name, channel });
      const wired: string[] = [];
      for (const call of made) wired.push("url" in call ? await wire(call) : inspectLambda(call));
      return wired.filter((call) => call !== "").map((call) => `${name} on ${channel}: ${call}`);
    }),
  );
  return (await Promise.all(sent)).flat().join("\n");
}

interface Post {
  readonly url: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

interface Invocation {
  readonly options: object;
  readonly params: {
    readonly FunctionName: unknown;
    readonly InvocationType: string;
    readonly Payload: Buffer;
  };
}

type Call = Post | Invocation | { readonly thrown: string };

interface Axios {
  post: (url: unknown, payload: unknown, options: { headers: Post["headers"] }) => unknown;
  readonly defaults: Record<string, unknown>;
}

const load = createRequire(createRequire(import.meta.url).resolve("@soketi/soketi/dist/webhook-sender.js"));
const axios = (load("axios") as { default: Axios }).default;
const sdk = load("aws-sdk") as { Lambda: unknown };
const flow = (load("async") as { default: { each: unknown } }).default;
const { WebhookSender } = load("./webhook-sender.js") as { WebhookSender: new (server: object) => unknown };

/** What the webhooks of the event at hand have called. */
let calls: Call[] = [];
let webhooksAtHand: unknown = [];
let processJob: (job: object) => void = () => undefined;

const realPost = axios.post.bind(axios);
const settled = { then: () => settled, catch: () => settled };

/** Puts listeners in the place of axios and the SDK, and an `each` that runs at once and tells what is thrown. */
export function listen(): void {
  axios.post = (url, _payload, { headers }) => {
    calls.push({ url, headers });
    return settled;
  };
  sdk.Lambda = class {
    constructor(private readonly options: object) {}
    invoke(params: Invocation["params"]) {
      calls.push({ options: this.options, params });
    }
  };
  flow.each = (webhooks: unknown[], send: (webhook: unknown, done: () => void) => void) => {
    try {
      for (const webhook of webhooks) send(webhook, () => undefined);
    } catch (error) {
      calls.push({ thrown: (error as Error).name });
    }
    return settled;
  };
  Object.assign(axios.defaults, {
    transport: { request },
    proxy: false,
    httpAgent: "http",
    httpsAgent: "https",
  });
  const app = () => ({ key: "key", secret: "secret", webhooks: webhooksAtHand });
  new WebhookSender({
    options: { debug: false, instance: { process_id: 1 } },
    canProcessQueues: () => true,
    queueManager: { processQueue: (_name: string, processor: typeof processJob) => (processJob = processor) },
    appManager: { findByKey: () => ({ then: (found: (app: unknown) => unknown) => found(app()) }) },
  });
}

function callsFor(webhooks: unknown, event: object): Call[] {
  calls = [];
  webhooksAtHand = webhooks;
  const payload = { time_ms: 1, events: [event] };
  const originalPusherSignature = createHmac("sha256", "secret")
    .update(JSON.stringify(payload))
    .digest("hex");
  processJob({ data: { appKey: "key", payload, originalPusherSignature } });
  return calls;
}

function inspectLambda(call: Exclude<Call, Post>): string {
  if ("thrown" in call) return `throws ${call.thrown}`;
  const { FunctionName, InvocationType, Payload } = call.params;
  const { headers } = JSON.parse(Payload.toString()) as { headers: Record<string, unknown> };
  delete headers["X-Pusher-Signature"];
  return JSON.stringify({ FunctionName, InvocationType, headers, options: call.options });
}

/** Axios takes longer than all the rest, and most webhooks go to the same few places. */
const wired = new Map<string, Promise<string>>();

/** The request that Node's http would write for a post; empty when it refuses to. */
export async function wire({ url, headers }: Post): Promise<string> {
  const { "X-Pusher-Signature": _signature, ...rest } = headers;
  const name = JSON.stringify([url, Object.entries(rest)]);
  let request = wired.get(name);
  if (!request) {
    request = Promise.resolve(realPost(url, {}, { headers: rest })).then(
      () => "",
      (error: unknown) => (error instanceof Stopped ? error.request : ""),
    );
    wired.set(name, request);
  }
  return request;
}

class Stopped extends Error {
  constructor(readonly request: string) {
    super("nothing is sent");
  }
}

interface RequestOptions extends http.RequestOptions {
  readonly agent: never;
}

/** Axios's transport. Node's own http checks path and headers, and is stopped before it connects. */
function request(options: RequestOptions): never {
  if (Number(options.port ?? 0) > 65_535) throw new RangeError("port");
  const made = http.request({ ...options, agent: false, createConnection: () => new Socket() });
  made.on("error", () => undefined);
  made.destroy();
  const { hostname, port, auth } = options;
  const parts = { protocol: options.agent as unknown, hostname: hostname ?? "", port, auth };
  throw new Stopped(
    JSON.stringify({ ...parts, path: made.path, headers: Object.entries(made.getHeaders()) }),
  );
}
