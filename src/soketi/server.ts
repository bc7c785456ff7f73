/**
 * The parts of soketi 1.6 that the agent touches, as read off the running server. Structural on purpose: nothing of
 * soketi is imported, so that the agent is one file that works beside any build of it.
 */
export interface SoketiServer {
  readonly options: {
    readonly metrics: { readonly enabled: boolean; readonly prometheus: { readonly prefix: string } };
    readonly appManager: { readonly driver: string; readonly dynamodb: { readonly table: string } };
    readonly database: { readonly redis: Readonly<Record<string, unknown>> };
    readonly adapter?: SoketiPart;
    readonly cache?: SoketiPart;
    readonly queue?: SoketiPart;
    readonly rateLimiter?: SoketiPart;
    readonly debug: boolean;
    /** `full`, `server`, without workers of queues, or `worker`, without clients. */
    readonly mode: string;
    /** Milliseconds. */
    readonly webhooks: { readonly batching: { readonly duration: number } };
  };
  readonly appManager?: SoketiAppManager;
  readonly adapter?: SoketiAdapter;
  readonly metricsManager?: SoketiMetrics;
  readonly cacheManager?: SoketiCache;
  readonly rateLimiter?: SoketiRateLimiter;
  wsHandler?: SoketiWsHandler;
  webhookSender?: SoketiWebhookSender;
  readonly httpHandler?: SoketiHttpHandler;
  setAppManager(manager: SoketiAppManager): unknown;
  setAdapter(adapter: SoketiAdapter): unknown;
  setQueueManager(queues: SoketiQueues): unknown;
  setMetricsManager(metrics: SoketiMetrics): unknown;
  setCacheManager(cache: SoketiCache): unknown;
  setWebhookSender(): unknown;
  /** Makes the routes. */
  configureHttp(app: object): unknown;
  stop(): Promise<unknown>;
}

/** The options of a part of soketi that has several drivers. */
interface SoketiPart {
  readonly driver: string;
  /** What it has for `redis`, beside `database.redis`. */
  readonly redis?: Readonly<Record<string, unknown>>;
}

export interface SoketiAppManager {
  driver: SoketiDynamoDriver;
  findById(id: string): Promise<SoketiAppObject | null>;
  findByKey(key: string): Promise<SoketiAppObject | null>;
  getAppSecret(id: string): Promise<string | null>;
}

/** soketi's DynamoDB driver; `dynamodb` is a client of the AWS SDK v2. */
export interface SoketiDynamoDriver {
  readonly dynamodb: {
    getItem(input: object): SdkRequest<{ Item?: object }>;
    query(input: object): SdkRequest<{ Items?: { AppId?: { S?: string } }[] }>;
  };
  unmarshallItem(item: object): object;
}

/** A request of the AWS SDK v2. */
export interface SdkRequest<T> {
  promise(): Promise<T>;
  abort(): void;
  /** `retry`: before each pause, whose length is in the error. */
  on(event: "retry", listener: (response: { error?: SdkError | null }) => void): unknown;
}

/** `retryable`: it may go away by itself, as a broken connection or throttling. */
export type SdkError = Error & { readonly retryable?: boolean; retryDelay?: number };

/** An instance of soketi's own App class. */
export interface SoketiAppObject {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
  readonly enabled: boolean;
  readonly enableUserAuthentication: boolean;
  /** Below 0, or nothing that is a number: no limit. */
  readonly maxConnections: number | string;
  /** What it was made from. The app of a connection is another instance, made from the same object. */
  readonly initialApp: object;
  /** soketi takes them off the app of a connection. */
  readonly webhooks?: readonly SoketiWebhook[];
  forWebSocket(): SoketiAppObject;
  toObject(): object;
}

export interface SoketiWebhook {
  readonly url?: string;
  readonly lambda_function?: string;
  readonly lambda?: { readonly client_options?: unknown };
  readonly event_types?: readonly string[];
  readonly filter?: { readonly channel_name_starts_with?: string; readonly channel_name_ends_with?: string };
}

/** One WebSocket, with what soketi hangs on it. */
export interface SoketiSocket {
  readonly id: string;
  readonly appKey: string;
  app?: SoketiAppObject;
  userAuthenticationTimeout?: NodeJS.Timeout;
  /** Once it has signed in. */
  readonly user?: object | undefined;
  sendJson(data: object): void;
  end(code?: number, message?: string): void;
}

/** What soketi does when a WebSocket opens and closes. */
export interface SoketiWsHandler {
  /** The lookup of a new connection's app. */
  checkForValidApp(socket: SoketiSocket): Promise<SoketiAppObject | null>;
  onOpen(socket: SoketiSocket): unknown;
  onClose(socket: SoketiSocket, ...args: unknown[]): unknown;
  /** Closes the connection unless it signs in meanwhile. */
  setUserAuthenticationTimeout?(socket: SoketiSocket): void;
}

export interface SoketiHttpHandler {
  ready(response: HttpResponse): unknown;
}

/** A response of uWebSockets.js; it sends what is corked in one piece. */
export interface HttpResponse {
  cork(write: () => void): unknown;
  writeStatus(status: string): HttpResponse;
  writeHeader(name: string, value: string): HttpResponse;
  end(body: string): unknown;
}

/** Whichever adapter the fleet uses: `namespaces` are always this node's own connections. */
export interface SoketiAdapter {
  getNamespaces(): Map<string, SoketiNamespace>;
  /** In the whole fleet. */
  getSocketsCount(appId: string): Promise<number>;
  addSocket(appId: string, socket: SoketiSocket): Promise<unknown>;
  removeSocket(appId: string, socketId: string): Promise<unknown>;
  addToChannel(appId: string, channel: string, socket: SoketiSocket): Promise<unknown>;
  removeFromChannel(appId: string, channel: string | string[], socketId: string): Promise<unknown>;
}

/** This node's connections of one app. */
export interface SoketiNamespace {
  /** In the order in which they were opened. */
  readonly sockets: Map<string, SoketiSocket>;
  /** Name -> ids of the connections in it. */
  readonly channels: Map<string, ReadonlySet<string>>;
  removeSocket(socketId: string): Promise<unknown>;
  removeFromChannel(socketId: string, channel: string | string[]): Promise<unknown>;
}

/** What waits in a queue. BullMQ's own Job has the optional fields. */
export interface SoketiJob {
  readonly data?: unknown;
  readonly attemptsMade?: number;
  readonly opts?: { attempts?: number; backoff?: unknown };
}

/** What a queue driver calls: BullMQ with a text, and a promise is its answer; the others with a function to call. */
export type QueueCallback = (job: SoketiJob, second?: unknown) => unknown;

export interface SoketiQueues {
  readonly driver?: object;
  addToQueue(name: string, data: unknown): Promise<unknown>;
  /** Makes the queue. */
  processQueue(name: string, callback: QueueCallback | undefined): Promise<unknown>;
  disconnect(): Promise<unknown>;
}

export interface SoketiWebhookSender {
  send(app: SoketiAppObject, data: object, queueName: string): void;
  sendWebhook(app: SoketiAppObject, data: object | object[], queueName: string): void;
  sendWebhookByBatching?(app: SoketiAppObject, data: object, queueName: string): void;
  sendChannelVacated(app: SoketiAppObject, channel: string): void;
  sendChannelOccupied(app: SoketiAppObject, channel: string): void;
  sendMemberRemoved(app: SoketiAppObject, channel: string, userId: unknown): void;
  sendMemberAdded(app: SoketiAppObject, channel: string, userId: unknown): void;
}

export interface SoketiMetrics {
  /** The prom-client registry behind `/metrics`; only with the Prometheus driver, and when metrics are enabled. */
  readonly driver?: {
    readonly register?: object;
    /** soketi's own, each with a label for the app. */
    readonly metrics?: Readonly<Record<string, { remove(labels: object): unknown } | undefined>>;
    /** The labels of what is counted of an app. */
    getTags?(appId: string): object;
  };
}

/** soketi's cache, for apps and for the last events of channels. */
export interface SoketiCache {
  get(name: string): Promise<unknown>;
  set(name: string, value: string, ttlSeconds?: number): Promise<unknown>;
}

export interface SoketiRateLimiter {
  /** In the process: a limiter for each app and for each client. With the Redis driver there are none here. */
  readonly driver?: { readonly rateLimiters?: Record<string, unknown> };
}

/** soketi's App class. */
export type SoketiAppClass = new (attributes: object, server: SoketiServer) => SoketiAppObject;
