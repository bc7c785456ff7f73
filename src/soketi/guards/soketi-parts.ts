import type { SoketiAppObject, SoketiSocket } from "../server.ts";

/**
 * The parts of soketi that are guarded, as read off 1.4.0 to 1.6.1. A guard is put around what a version has, and left
 * out where it has none: hence the optional ones.
 */
export interface GuardedServer {
  readonly options: {
    readonly httpApi: { readonly requestLimitInMb: number };
    readonly shutdownGracePeriod?: number;
    readonly adapter?: {
      readonly driver: string;
      /** How many nodes there are, where the operator knows. */
      readonly nats?: { readonly nodesNumber?: unknown };
    };
    readonly rateLimiter?: { readonly driver: string };
  };
  readonly closing?: boolean;
  /** There before the agent is: soketi waits for it first. */
  readonly discover?: Discovery;
  readonly adapter?: Adapter;
  readonly webhookSender?: { sendChannelOccupied(app: SoketiAppObject, channel: string): unknown };
  wsHandler?: WsHandler;
  httpHandler?: HttpHandler;
  setAdapter(adapter: Adapter): unknown;
  setMetricsManager(metrics: Metrics): unknown;
  setRateLimiter(limiter: RateLimiter): unknown;
  setCacheManager(cache: Cache): unknown;
  configureHttp(app: HttpApp): unknown;
  configureMetricsServer(app: HttpApp): unknown;
}

export interface GuardedApp extends SoketiAppObject {
  readonly maxEventPayloadInKb?: unknown;
  readonly maxEventChannelsAtOnce?: unknown;
  readonly maxEventBatchSize?: unknown;
  readonly maxPresenceMemberSizeInKb?: unknown;
}

export interface GuardedSocket extends SoketiSocket {
  readonly id: string;
  app?: GuardedApp;
  /** Whom the client has signed in as. */
  readonly user?: { readonly id: string } | undefined;
  /** Those that it is in. */
  readonly subscribedChannels?: ReadonlySet<string>;
  /** Presence channel -> the member that it is there. */
  readonly presence?: Map<string, unknown>;
}

/** What soketi uses of a socket to take it from a user. */
export interface UserSocket {
  readonly id: string;
  readonly app?: GuardedApp | undefined;
  readonly user?: { readonly id: string } | undefined;
}

export interface WsHandler {
  handleUpgrade(...args: unknown[]): unknown;
  onOpen(socket: GuardedSocket): unknown;
  onMessage(socket: GuardedSocket, message: unknown, isBinary: boolean): unknown;
  onClose(socket: GuardedSocket, code?: number, ...args: unknown[]): unknown;
  checkForValidApp(socket: GuardedSocket): Promise<SoketiAppObject | null>;
  evictSocketFromMemory(socket: GuardedSocket): Promise<unknown>;
  unsubscribeFromChannel(socket: GuardedSocket, channel: string, closing?: boolean): Promise<unknown>;
  signinTokenIsValid?(socket: GuardedSocket, userData: unknown, signature: unknown): Promise<boolean>;
  readonly publicChannelManager?: Channels;
  readonly privateChannelManager?: Channels;
  readonly encryptedPrivateChannelManager?: Channels;
  readonly presenceChannelManager?: Channels;
}

export interface Channels {
  join(socket: GuardedSocket, channel: string, message: unknown): Promise<Joined>;
  leave(socket: GuardedSocket, channel: string): Promise<{ readonly left: boolean }>;
  /** Of channels whose members are authorized. */
  signatureIsValid?(
    app: SoketiAppObject,
    socketId: string,
    message: unknown,
    signature: unknown,
  ): Promise<boolean>;
}

export interface Joined {
  readonly success: boolean;
  /** In the channel, in the whole fleet, with this one. */
  readonly channelConnections?: number;
  readonly errorCode?: number;
  readonly errorMessage?: string;
}

/** What a body is read from: a response of uWebSockets.js is one. */
export interface BodySource {
  onData(handler: (piece: ArrayBuffer, isLast: boolean) => void): unknown;
  onAborted(handler: () => void): unknown;
}

export interface HttpHandler {
  attachMiddleware(response: HttpResponse, steps: readonly HttpStep[]): HttpSteps;
  readJson(source: BodySource, onBody: (body: unknown, raw: string) => void, onAborted: () => void): void;
  appMiddleware: HttpStep;
  authMiddleware: HttpStep;
  signatureIsValid?(response: HttpResponse): Promise<boolean>;
  broadcastEventRateLimitingMiddleware: HttpStep;
  broadcastBatchEventsRateLimitingMiddleware: HttpStep;
  /** Rejects with a `code` of 400 or 413; any other rejection is answered by nobody. */
  checkMessageToBroadcast(event: unknown, app: unknown): Promise<unknown>;
  badResponse(response: HttpResponse, error: string): unknown;
  unauthorizedResponse(response: HttpResponse, error: string): unknown;
  notFoundResponse(response: HttpResponse, error: string): unknown;
  entityTooLargeResponse(response: HttpResponse, error: string): unknown;
  serverErrorResponse(response: HttpResponse, error: string): unknown;
  sendJson(response: HttpResponse, data: object, status: string): unknown;
}

export type HttpStep = (
  response: HttpResponse,
  next: (error: null, response: HttpResponse) => void,
) => unknown;

/** A promise, of which soketi uses this. */
export interface HttpSteps {
  then(last: (response: HttpResponse) => unknown): Promise<unknown>;
}

/** An app of uWebSockets.js. */
export interface HttpApp {
  get(pattern: string, handler: RouteHandler): HttpApp;
  post(pattern: string, handler: RouteHandler): HttpApp;
  any(pattern: string, handler: RouteHandler): HttpApp;
}

export type RouteHandler = (response: HttpResponse, request: HttpRequest) => unknown;

/** A request of uWebSockets.js, which can be read until its handler returns. */
export interface HttpRequest {
  getHeader(name: string): string;
  /** As it was sent, without the question mark. Undefined where there is none, whatever the types of uWebSockets.js say. */
  getQuery(): string | undefined;
}

/** A response of uWebSockets.js, with what soketi and the guards hang on it. */
export interface HttpResponse {
  params: { readonly appId: string };
  body?: unknown;
  /** What the signature of a request with a body is checked against. */
  rawBody?: string;
  /** The guards': the text of the body that its signature is of. */
  signed?: { text: string } | undefined;
  app?: GuardedApp;
  writeStatus(status: string): HttpResponse;
  writeHeader(name: string, value: string): HttpResponse;
  end(body?: string, closes?: boolean): HttpResponse;
  cork(work: () => void): HttpResponse;
  onData(handler: (piece: ArrayBuffer, isLast: boolean) => void): HttpResponse;
  onAborted(handler: () => void): HttpResponse;
}

export interface Adapter {
  readonly driver?: AdapterDriver;
  addSocket(appId: string, socket: GuardedSocket): Promise<unknown>;
  addToChannel(appId: string, channel: string, socket: GuardedSocket): Promise<number>;
  /** @returns how many are left in it, in the whole fleet. */
  removeFromChannel(appId: string, channel: string, socketId: string): Promise<number>;
  addUser(socket: GuardedSocket): Promise<unknown>;
  removeUser(socket: UserSocket): Promise<unknown>;
  disconnect(): Promise<unknown>;
}

/** The last three: of an adapter that speaks to other nodes. */
export interface AdapterDriver {
  readonly uuid?: string;
  readonly requestsTimeout?: number;
  /** ioredis, once the driver has begun. */
  readonly pubClient?: NonNullable<AdapterDriver["subClient"]> & {
    publish(channel: string, data: string): Promise<unknown>;
  };
  readonly subClient?: { prependListener?(event: "error", listener: (error: unknown) => void): unknown };
  /** To NATS, once the driver has begun. */
  readonly connection?: NatsConnection;
  init(): Promise<unknown>;
  getUserSockets(appId: string, userId: string): Promise<Set<GuardedSocket | undefined>>;
  broadcastToChannel?(channel: string, data: string): unknown;
  getNumSub?(): Promise<number>;
  onMessage?(...args: unknown[]): unknown;
  onRequest?(...args: unknown[]): unknown;
  onResponse?(...args: unknown[]): unknown;
}

/** Of the package nats. */
export interface NatsConnection {
  /** Looked at when the connection is lost. */
  readonly options?: { reconnect?: boolean; maxReconnectAttempts?: number };
  status(): AsyncIterable<{ readonly type: string }>;
  request(subject: string): Promise<{ readonly data: Uint8Array }>;
}

export interface Metrics {
  markNewConnection(socket: GuardedSocket): void;
  markDisconnection(socket: GuardedSocket): void;
}

export interface RateLimiter {
  readonly driver?: { readonly rateLimiters?: Record<string, unknown> };
  consumeBackendEventPoints: Consume;
  consumeFrontendEventPoints: Consume;
  consumeReadRequestsPoints: Consume;
  disconnect(): Promise<unknown>;
}

export type Consume = (
  points: number,
  app: SoketiAppObject,
  socket?: GuardedSocket,
) => Promise<{ readonly canContinue: boolean }>;

export interface Cache {
  has(key: string): Promise<boolean>;
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown, ttlSeconds?: number): Promise<unknown>;
  disconnect(): Promise<unknown>;
}

/** node-discover, by which nodes of a cluster find each other. */
export interface Discovery {
  readonly broadcast?: DiscoveryNetwork;
  join(channel: string, listener: (data: unknown) => void): unknown;
  send(channel: string, data: unknown): unknown;
}

export interface DiscoveryNetwork {
  readonly socket?: { on(event: "error", listener: (error: unknown) => void): unknown };
  emit(event: string, ...args: unknown[]): boolean;
  encode(data: unknown, done: (error: unknown, encoded: string | null) => void): unknown;
  decode(datagram: unknown, done: (error: unknown, decoded?: unknown) => void): unknown;
}
