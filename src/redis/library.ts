import type { NatMap } from "../config/redis.ts";

/**
 * The part of ioredis that is used, described by structure. The pipeline brings ioredis 6 along; the agent takes soketi's
 * own, 5.x, because it must not have dependencies. So only what both have may be used here, and no file but `ioredis.ts`
 * imports the package, types included.
 */
export interface RedisLibrary {
  readonly Redis: new (options: ClientOptions) => RedisClient;
  readonly Cluster: new (nodes: NodeAddress[], options: ClusterOptions) => RedisCluster;
}

export type RedisConnection = RedisClient | RedisCluster;

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Times in milliseconds. */
export interface ClientOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** A unix socket, instead of the two. */
  readonly path?: string | undefined;
  readonly family?: number | undefined;
  readonly keepAlive?: number | undefined;
  readonly db?: number | undefined;
  username?: string | undefined;
  password?: string | undefined;
  readonly tls?: object | undefined;
  readonly sentinels?: NodeAddress[] | undefined;
  readonly name?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  readonly sentinelCommandTimeout?: number | undefined;
  readonly enableTLSForSentinelMode?: boolean | undefined;
  readonly sentinelTLS?: object | undefined;
  readonly natMap?: NatMap | undefined;
  readonly lazyConnect: boolean;
  readonly connectTimeout: number;
  readonly commandTimeout: number;
  readonly socketTimeout?: number | undefined;
  readonly disconnectTimeout: number;
  readonly maxRetriesPerRequest: number;
  readonly autoResubscribe: boolean;
  /** How long to wait before the given attempt to connect; null ends the connection. */
  readonly retryStrategy: (attempt: number) => number | null;
  /** Whether an error that the server answers ends the connection, for a new one. The command has failed all the same. */
  readonly reconnectOnError: (error: Error) => boolean;
}

/** Times in milliseconds. */
export interface ClusterOptions {
  readonly lazyConnect: boolean;
  readonly scaleReads: "master";
  readonly slotsRefreshTimeout: number;
  readonly clusterRetryStrategy: (attempt: number) => number | null;
  readonly retryDelayOnFailover: number;
  readonly maxRedirections: number;
  readonly dnsLookup?: ((address: string, done: (error: null, resolved: string) => void) => void) | undefined;
  readonly natMap?: NatMap | undefined;
  readonly redisOptions: ClientOptions;
}

/** What happens to a connection. `close` may be followed by another attempt, `end` is for good. */
type ConnectionEvent = "ready" | "error" | "close" | "end";

export type ScriptArgument = string | number | Buffer;

/** Commands that may be sent to one server or to a cluster alike. */
interface Commands {
  readonly status: string;
  on(event: ConnectionEvent, listener: (error: unknown) => void): unknown;
  off(event: ConnectionEvent, listener: (error: unknown) => void): unknown;
  connect(): Promise<void>;
  disconnect(reconnect?: boolean): void;
  evalsha(sha1: string, keys: number, ...keysAndArgs: ScriptArgument[]): Promise<unknown>;
  eval(lua: string, keys: number, ...keysAndArgs: ScriptArgument[]): Promise<unknown>;
  get(key: string): Promise<string | null>;
  getrangeBuffer(key: string, from: number, to: number): Promise<Buffer>;
  mget(keys: string[]): Promise<(string | null)[]>;
  set(key: string, value: string): Promise<unknown>;
  set(key: string, value: string, expiry: "EX", seconds: number): Promise<unknown>;
  hget(key: string, field: string): Promise<string | null>;
  expire(key: string, seconds: number): Promise<number>;
  exists(key: string): Promise<number>;
  del(key: string): Promise<number>;
  lrange(key: string, start: number, stop: number): Promise<string[]>;
  zrange(key: string, start: string, stop: string, scores?: "WITHSCORES"): Promise<string[]>;
  time(): Promise<(number | string)[]>;
  zrem(key: string, ...members: string[]): Promise<number>;
  xlen(key: string): Promise<number>;
  xinfo(subcommand: "STREAM", key: string): Promise<unknown>;
  xtrim(key: string, strategy: "MAXLEN", approximate: "~", count: number): Promise<number>;
  xrange(key: string, from: string, to: string, count: "COUNT", limit: number): Promise<StreamRow[]>;
  xrevrange(key: string, to: string, from: string, count: "COUNT", limit: number): Promise<StreamRow[]>;
  publish(channel: string, payload: string): Promise<number>;
  info(...sections: string[]): Promise<string>;
  ping(): Promise<string>;
}

/** One entry of a stream: its id, and its fields and values in turn. */
type StreamRow = [id: string, fields: string[]];

/** The part of a socket that is looked at. */
interface Socket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly writable: boolean;
}

/** A connection to one server, also behind sentinels. */
export interface RedisClient extends Commands {
  readonly options: ClientIdentity;
  /** The socket of now, or the last one. Undefined before the first. */
  readonly stream?: Socket | undefined;
  on(event: "message", listener: (channel: string, payload: string) => void): unknown;
  on(event: ConnectionEvent, listener: (error: unknown) => void): unknown;
  subscribe(...channels: string[]): Promise<unknown>;
  /** Any command: here those of a sentinel. */
  call(command: string, ...args: string[]): Promise<unknown>;
  wait(replicas: number, timeoutMs: number): Promise<number>;
  scan(
    cursor: string,
    match: "MATCH",
    pattern: string,
    count: "COUNT",
    limit: number,
  ): Promise<[cursor: string, keys: string[]]>;
}

/** What a connection is to, and who it logs in as. Read at each attempt to connect. */
interface ClientIdentity {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  username?: string | undefined;
  password?: string | null | undefined;
  sentinelUsername?: string | null | undefined;
  sentinelPassword?: string | null | undefined;
}

export interface RedisCluster extends Commands {
  on(event: ConnectionEvent, listener: (error: unknown) => void): unknown;
  on(event: "+node", listener: (node: RedisClient) => void): unknown;
  on(event: "refresh", listener: () => void): unknown;
  nodes(role: "all" | "master"): RedisClient[];
}
