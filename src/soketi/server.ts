import { normalize, type Problem } from "../app/normalize.ts";
import { toSoketi } from "../app/soketi-shape.ts";
import type { AppCache } from "../agent/app-cache.ts";
import type { AppSource } from "../agent/ports.ts";
import { withinBudget } from "../async/within-budget.ts";

/**
 * The parts of soketi 1.6 that the agent touches, as read off the running server. Structural on purpose: nothing of
 * soketi is imported, so that the agent is one file that works beside any build of it.
 */
export interface SoketiServer {
  readonly options: {
    readonly metrics: { readonly enabled: boolean; readonly prometheus: { readonly prefix: string } };
    readonly appManager: { readonly driver: string; readonly dynamodb: { readonly table: string } };
    readonly database: { readonly redis: Readonly<Record<string, unknown>> };
    readonly debug: boolean;
  };
  readonly appManager?: SoketiAppManager;
  readonly adapter?: SoketiAdapter;
  wsHandler?: SoketiWsHandler;
  setAppManager(manager: SoketiAppManager): unknown;
  setAdapter(adapter: SoketiAdapter): unknown;
  setQueueManager(queues: SoketiQueues): unknown;
  setMetricsManager(metrics: SoketiMetrics): unknown;
  stop(): Promise<unknown>;
}

export interface SoketiAppManager {
  driver: SoketiDynamoDriver;
  findById(id: string): Promise<SoketiAppObject | null>;
  findByKey(key: string): Promise<SoketiAppObject | null>;
  getAppSecret(id: string): Promise<string | null>;
}

/** soketi's DynamoDB driver; `dynamodb` is a client of the AWS SDK v2. */
interface SoketiDynamoDriver {
  readonly dynamodb: {
    getItem(input: object): SdkRequest<{ Item?: object }>;
    query(input: object): SdkRequest<{ Items?: { AppId?: { S?: string } }[] }>;
  };
  unmarshallItem(item: object): object;
}

/** A request of the AWS SDK v2. */
interface SdkRequest<T> {
  promise(): Promise<T>;
  abort(): void;
  /** `retry`: before each pause, whose length is in the error. */
  on(event: "retry", listener: (response: { error?: SdkError | null }) => void): unknown;
}

/** `retryable`: it may go away by itself, as a broken connection or throttling. */
type SdkError = Error & { readonly retryable?: boolean; retryDelay?: number };

/** An instance of soketi's own App class. */
export interface SoketiAppObject {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
  readonly enabled: boolean;
  readonly enableUserAuthentication: boolean;
  /** What it was made from. The app of a connection is another instance, made from the same object. */
  readonly initialApp: object;
  forWebSocket(): SoketiAppObject;
  toObject(): object;
}

/** One WebSocket, with what soketi hangs on it. */
export interface SoketiSocket {
  readonly appKey: string;
  app?: SoketiAppObject;
  userAuthenticationTimeout?: NodeJS.Timeout;
  sendJson(data: object): void;
  end(code?: number, message?: string): void;
}

/** What soketi does when a WebSocket opens and closes. */
export interface SoketiWsHandler {
  /** The lookup of a new connection's app. */
  checkForValidApp(socket: SoketiSocket): Promise<SoketiAppObject | null>;
  onOpen(socket: SoketiSocket): unknown;
  onClose(socket: SoketiSocket, ...args: unknown[]): unknown;
}

/** Whichever adapter the fleet uses: `namespaces` are always this node's own connections. */
export interface SoketiAdapter {
  getNamespaces(): Map<string, { readonly sockets: Map<string, SoketiSocket> }>;
  addSocket(appId: string, socket: SoketiSocket): Promise<unknown>;
}

export interface SoketiQueues {
  processQueue(name: string, callback: (job: SoketiJob, done?: () => void) => void): Promise<unknown>;
}

export interface SoketiJob {
  readonly data?: { readonly appKey?: string };
}

export interface SoketiMetrics {
  /** The prom-client registry behind `/metrics`; only with the Prometheus driver, and when metrics are enabled. */
  readonly driver?: { readonly register?: object };
}

/** soketi's App class. */
export type SoketiAppClass = new (attributes: object, server: SoketiServer) => SoketiAppObject;

/** Told of each item that was read and has problems. They hold no secrets. */
export type ProblemListener = (appId: string, problems: readonly Problem[]) => void;

/** Thrown when this soketi lacks something that the agent needs; soketi is left as it was. */
export class MissingHooksError extends Error {
  override readonly name = "MissingHooksError";

  constructor(missing: readonly string[]) {
    super(`expected soketi to have ${missing.join(", ")}; this version does not, so nothing was attached`);
  }
}

/** @throws MissingHooksError naming all that is missing. Call it before anything is replaced. */
export function checkHooks(server: SoketiServer, manager: SoketiAppManager, appClass: unknown): void {
  const needed: [string, unknown, ...string[]][] = [
    ["appManager", manager, "findById", "findByKey", "getAppSecret"],
    ["appManager.driver", manager.driver, "unmarshallItem"],
    [
      "appManager.driver.dynamodb",
      (manager.driver as Partial<SoketiDynamoDriver> | undefined)?.dynamodb,
      "getItem",
      "query",
    ],
    ["server", server, "setAdapter", "setQueueManager", "setMetricsManager", "stop"],
  ];
  const missing = needed.flatMap(([path, owner, ...methods]) =>
    methods
      .filter((method) => typeof (owner as Record<string, unknown> | undefined)?.[method] !== "function")
      .map((method) => `${path}.${method}`),
  );
  if (typeof appClass !== "function") missing.push("App");
  if (missing.length > 0) throw new MissingHooksError(missing);
}

/**
 * Makes soketi's own reads of the table go through the normalizer. An unusable item throws, which soketi's driver
 * turns into "no such app": without this, an item without a key or a secret would get soketi's public defaults.
 */
export function normalizeReads(manager: SoketiAppManager, onProblems: ProblemListener): void {
  manager.driver.unmarshallItem = (item) => {
    const { app, id, problems } = normalize(item);
    if (problems.length > 0) onProblems(id ?? "(unreadable)", problems);
    if (!app)
      throw new Error(`expected a usable app, found problems: ${problems.map((p) => p.code).join(", ")}`);
    return toSoketi(app);
  };
}

/**
 * Where the agent loads apps from: soketi's own DynamoDB client, but with consistent reads, and with errors told
 * apart from absence.
 */
export function tableSource(
  server: SoketiServer,
  manager: SoketiAppManager,
  appClass: SoketiAppClass,
  onProblems: ProblemListener,
  budgetMs: number,
): AppSource<SoketiAppObject> {
  const client = manager.driver.dynamodb;
  const table = server.options.appManager.dynamodb.table;
  return {
    async loadById(id) {
      const input = { TableName: table, Key: { AppId: { S: id } }, ConsistentRead: true };
      const { Item } = await insist(() => client.getItem(input), budgetMs);
      if (!Item) return undefined;
      const { app, problems } = normalize(Item);
      if (problems.length > 0) onProblems(id, problems);
      return app && new appClass(toSoketi(app), server);
    },
    async resolveKey(key) {
      const { Items } = await insist(() => client.query(keyQuery(table, key)), budgetMs);
      return Items?.[0]?.AppId?.S;
    },
  };
}

/** Longest pause between two tries. Milliseconds. */
const MAX_PAUSE_MS = 250;

/**
 * Tries until there is an answer, an error that will not go away, or no budget left: who waits for this read is a client,
 * who is sent away for good when there is none. The SDK's own pauses, which double up to half a minute, would sleep past the
 * end of a short outage, and its ten tries be used up before the end of a longer one. Aborting alone would not end it:
 * between two tries the SDK does not look at that.
 */
async function insist<T>(make: () => SdkRequest<T>, budgetMs: number): Promise<T> {
  let request = make();
  let isOver = false;
  const tries = async () => {
    for (;;) {
      request.on("retry", ({ error }) => {
        if (error) error.retryDelay = Math.min(error.retryDelay ?? 0, MAX_PAUSE_MS);
      });
      try {
        return await request.promise();
      } catch (error) {
        if ((error as SdkError).retryable !== true) throw error;
        await new Promise((resolve) => setTimeout(resolve, MAX_PAUSE_MS));
        if (isOver) throw error;
      }
      request = make();
    }
  };
  return withinBudget(tries, budgetMs, () => {
    isOver = true;
    request.abort();
  });
}

/** The index is eventually consistent whatever one asks for: the answer is a hint, checked against the app itself. */
function keyQuery(table: string, key: string): object {
  return {
    TableName: table,
    IndexName: "AppKeyIndex",
    Limit: 1,
    KeyConditionExpression: "AppKey = :key",
    ExpressionAttributeValues: { ":key": { S: key } },
  };
}

/**
 * Puts the agent's cache in the place of soketi's lookups. soketi has no catch around them, and a rejected promise
 * would end the process: the cache never rejects.
 */
export function takeOverLookups(manager: SoketiAppManager, cache: AppCache<SoketiAppObject>): void {
  manager.findById = (id) => cache.findById(id);
  manager.findByKey = (key) => cache.findByKey(key);
  manager.getAppSecret = async (id) => (await cache.findById(id))?.secret ?? null;
}
