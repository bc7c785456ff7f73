import { createRequire } from "node:module";
import { GUARDS, type GuardName } from "../../../../src/config/guards.ts";
import { Guards } from "../../../../src/soketi/guards/guards.ts";
import { installGuards, tellUnread } from "../../../../src/soketi/guards/install.ts";
import type { Lookups } from "../../../../src/soketi/guards/lookups.ts";
import type {
  Adapter,
  Cache,
  Consume,
  GuardedServer,
  GuardedSocket,
  HttpApp,
  HttpHandler,
  HttpRequest,
  HttpResponse,
  Metrics,
  RateLimiter,
  RouteHandler,
  WsHandler,
} from "../../../../src/soketi/guards/soketi-parts.ts";
import type { SoketiAppObject } from "../../../../src/soketi/server.ts";
import { realApp } from "../../app/fixtures.ts";

const require = createRequire(import.meta.url);
const load = (file: string) =>
  require(`@soketi/soketi/dist/${file}.js`) as Record<string, new (server: object) => unknown>;
const { WsHandler: RealWsHandler } = load("ws-handler");
const { HttpHandler: RealHttpHandler } = load("http-handler");
const { LocalAdapter } = load("adapters/local-adapter");
const { LocalRateLimiter } = load("rate-limiters/local-rate-limiter");
const { parse } = createRequire(require.resolve("@soketi/soketi/dist/server.js"))("query-string") as {
  parse: (query: string) => Record<string, unknown>;
};

function make(made: (new (server: object) => unknown) | undefined, server: object): unknown {
  if (!made) throw new Error("expected a class of soketi, found none");
  return new made(server);
}

/** soketi's own handlers and local drivers, with guards around them, and neither a network nor a table. */
export interface RealSoketi {
  readonly server: GuardedServer & { closing: boolean; wsHandler: WsHandler; httpHandler: HttpHandler };
  readonly adapter: Adapter & { getNamespaces(): Map<string, Namespace> };
  readonly limiter: RateLimiter & { rateLimiters: Record<string, unknown> };
  readonly cache: Map<string, unknown>;
  /** What was caught, as `<where>: <what>`. */
  readonly caught: string[];
  /** By how much the gauge of connections has changed. */
  readonly connected: () => number;
  /** What a route of the HTTP API does, by its pattern. */
  readonly routes: ReadonlyMap<string, RouteHandler>;
  readonly webhooks: string[];
}

interface Namespace {
  readonly sockets: Map<string, unknown>;
  readonly users: Map<string, Set<string>>;
  readonly channels: Map<string, Set<string>>;
}

export interface RealSoketiOptions {
  /** Default: all. */
  readonly on?: readonly GuardName[] | undefined;
  /** Of the app "a" with the key "k" and the secret "s". */
  readonly app?: object;
  /** Default: the app, for its key and id. */
  readonly lookup?: (keyOrId: string) => Promise<object | null>;
  /** Taken over: those of the agent's cache. */
  readonly lookups?: Lookups<SoketiAppObject>;
  /** Methods of the adapter's that are others. */
  readonly adapter?: (local: Adapter) => object;
  readonly consume?: Consume;
  readonly discover?: GuardedServer["discover"];
  /** `local` has its answers in the node. Default: another. */
  readonly rateLimiter?: string;
}

const LIMITS = { maxNameLength: 200, cacheTtl: 3600, maxMembersPerChannel: 100, maxMemberSizeInKb: 2, maxChannelsAtOnce: 100, maxPayloadInKb: 100, maxBatchSize: 10 }; // prettier-ignore

export function realSoketi(options: RealSoketiOptions = {}): RealSoketi {
  const app = realApp({ id: "a", key: "k", secret: "s", ...options.app }) as unknown as {
    id: string;
    key: string;
  };
  const lookup =
    options.lookup ?? ((name: string) => Promise.resolve(name === app.id || name === app.key ? app : null));
  const caught: string[] = [];
  const webhooks: string[] = [];
  const cache = new Map<string, unknown>();
  let connected = 0;
  const server = {
    closing: false,
    options: {
      debug: false,
      httpApi: { requestLimitInMb: 1 },
      cors: { origin: ["*"], methods: ["GET"], allowedHeaders: ["X"] },
      channelLimits: LIMITS,
      userAuthenticationTimeout: 30_000,
      metrics: { enabled: true },
      rateLimiter: { driver: options.rateLimiter ?? "redis" },
    },
    discover: options.discover,
    appManager: { findByKey: lookup, findById: lookup },
    webhookSender: Object.fromEntries(
      ["ChannelOccupied", "ChannelVacated", "MemberAdded", "MemberRemoved", "ClientEvent", "CacheMissed"].map(
        (name) => [`send${name}`, () => webhooks.push(name)],
      ),
    ),
    setAdapter: (instance: unknown) => Object.assign(server, { adapter: instance }),
    setMetricsManager: (instance: unknown) => Object.assign(server, { metricsManager: instance }),
    setRateLimiter: (instance: unknown) => Object.assign(server, { rateLimiter: instance }),
    setCacheManager: (instance: unknown) => Object.assign(server, { cacheManager: instance }),
    configureHttp: () => undefined,
    configureMetricsServer: () => undefined,
  } as unknown as RealSoketi["server"];
  const on = new Set(options.on ?? GUARDS.filter((name) => name !== "output"));
  const guards = new Guards({ on, onCaught: (where, what) => caught.push(`${where}: ${what}`) });
  installGuards(server, guards);
  if (options.lookups) tellUnread(server, guards, options.lookups);

  const local = make(LocalAdapter, server) as RealSoketi["adapter"];
  const adapter = Object.assign(local, { driver: local }, options.adapter?.(local));
  server.setAdapter(adapter);
  server.setMetricsManager(gauge((by) => (connected += by)));
  const limiter = make(LocalRateLimiter, server) as RealSoketi["limiter"];
  Object.assign(limiter, { driver: limiter });
  if (options.consume) Object.assign(limiter, { consumeFrontendEventPoints: options.consume });
  server.setRateLimiter(limiter);
  server.setCacheManager(cacheOn(cache));
  server.wsHandler = make(RealWsHandler, server) as WsHandler;
  server.httpHandler = make(RealHttpHandler, server) as HttpHandler;
  return {
    server,
    adapter,
    limiter,
    cache,
    caught,
    webhooks,
    connected: () => connected,
    routes: routesOf(server),
  };
}

function gauge(change: (by: number) => void): Metrics {
  const others = ["markWsMessageSent", "markWsMessageReceived", "markApiMessage"].map((name) => [
    name,
    () => undefined,
  ]);
  return {
    markNewConnection: () => change(1),
    markDisconnection: () => change(-1),
    ...(Object.fromEntries(others) as object),
  };
}

function cacheOn(entries: Map<string, unknown>): Cache {
  return {
    has: (key) => Promise.resolve(entries.has(key)),
    get: (key) => Promise.resolve(entries.get(key) ?? null),
    set: (key, value) => Promise.resolve(entries.set(key, value)),
    disconnect: () => Promise.resolve(),
  };
}

/** As soketi's `configureHttp`, for the routes that the tests call. */
function routesOf(server: RealSoketi["server"]): Map<string, RouteHandler> {
  const routes = new Map<string, RouteHandler>();
  const keep = (pattern: string, handler: RouteHandler) => {
    routes.set(pattern, handler);
    return app;
  };
  const app: HttpApp = { get: keep, post: keep, any: keep };
  const handler = server.httpHandler as unknown as Record<string, (response: HttpResponse) => unknown>;
  // Guards are put around the app that this is called with.
  server.configureHttp(app);
  const add = (name: string) => (response: HttpResponse, request: HttpRequest) => {
    const query = request.getQuery();
    if (query !== undefined) Object.assign(response, { query: parse(query) });
    handler[name]?.call(handler, response);
  };
  for (const name of ["channels", "channel", "channelUsers"]) app.get(name, add(name));
  for (const name of ["events", "batchEvents", "terminateUserConnections"]) app.post(name, add(name));
  app.get("healthCheck", (response) => handler.healthCheck?.call(handler, response));
  return routes;
}

/** A WebSocket as uWebSockets.js gives it: it throws once it is closed. */
export interface TestSocket extends GuardedSocket {
  /** What the client was sent. */
  readonly sent: { event: string; data?: unknown; channel?: string }[];
  readonly ended: number[];
  /** The client says something. */
  say(message: unknown): void;
  sayText(text: string): void;
  /** The client goes. */
  leave(code?: number): void;
}

export function open({ server }: RealSoketi, appKey = "k"): TestSocket {
  let isClosed = false;
  const fail = () => {
    throw new Error("Invalid access of closed uWS.WebSocket/SSLWebSocket.");
  };
  const leave = (code = 1006) => {
    if (isClosed) return;
    isClosed = true;
    server.wsHandler.onClose(socket, code);
  };
  const sayText = (text: string) => {
    const bytes = Buffer.from(text);
    server.wsHandler.onMessage(
      socket,
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
      false,
    );
  };
  const socket = {
    appKey,
    sent: [],
    ended: [],
    send(text: string) {
      if (isClosed) fail();
      socket.sent.push(JSON.parse(text) as TestSocket["sent"][number]);
    },
    end(code = 1000) {
      if (isClosed) fail();
      socket.ended.push(code);
      leave(code);
    },
    leave,
    sayText,
    say: (message: unknown) => sayText(JSON.stringify(message)),
  } as unknown as TestSocket;
  server.wsHandler.onOpen(socket);
  return socket;
}

/** Waits for all that soketi does without waiting for it: its local drivers answer at once. */
export const idle = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

export async function connected(soketi: RealSoketi): Promise<TestSocket> {
  const socket = open(soketi);
  await idle();
  if (socket.sent[0]?.event !== "pusher:connection_established")
    throw new Error("expected a connection, found none");
  socket.sent.length = 0;
  return socket;
}
