/** ioredis' options by name, as an operator gives them to soketi. */
export type RedisOptions = Readonly<Record<string, unknown>>;

/** What the agent's connections have of them, in whichever form of Redis they mean something. */
const CARRIED = words(`
  host port path db username password tls family keepAlive
  sentinels name sentinelUsername sentinelPassword sentinelTLS enableTLSForSentinelMode
  clusterNodes natMap redisOptions
`);

/**
 * How commands are sent, retried and read: the agent decides that for its own connections, and an operator misses nothing.
 * Among them the key prefix, on purpose: the pipeline, which does not know it, must find the same names.
 */
const DECIDED_HERE = words(`
  keyPrefix connectionName lazyConnect stringNumbers showFriendlyErrorStack scripts protocol
  clientInfoTag disableClientInfo noDelay monitor readOnly
  connectTimeout commandTimeout socketTimeout disconnectTimeout blockingTimeout blockingTimeoutGrace
  retryStrategy reconnectOnError maxRetriesPerRequest maxLoadingRetryTime maxRedirections
  enableOfflineQueue offlineQueue commandQueue enableReadyCheck
  autoResubscribe autoResendUnfulfilledCommands enableAutoPipelining autoPipeliningIgnoredCommands
  sentinelCommandTimeout sentinelRetryStrategy sentinelReconnectStrategy sentinelMaxConnections
  failoverDetector updateSentinels clusterRetryStrategy clusterNodeRetryStrategy scaleReads
  retryDelayOnFailover retryDelayOnClusterDown retryDelayOnTryAgain retryDelayOnMoved
  slotsRefreshTimeout slotsRefreshInterval shardedSubscribers
`);

const KNOWN = new Set([...CARRIED, ...DECIDED_HERE]);

/** Of a cluster's nodes the first login counts, for all of them: ioredis has no other for those that it finds. */
const CARRIED_OF_NODES = new Set(words("host port username password tls"));

/** Of sentinels, what ioredis takes. */
const CARRIED_OF_SENTINELS = new Set(words("host port"));

/** Names of the options that are set and that the agent's connections go without. */
export function notCarried(options: RedisOptions): string[] {
  const names = Object.keys(options).filter((name) => !KNOWN.has(name) && isSet(options[name]));
  const ofNodes = unknownIn(options.clusterNodes, CARRIED_OF_NODES).map((name) => `clusterNodes[].${name}`);
  const ofSentinels = unknownIn(options.sentinels, CARRIED_OF_SENTINELS).map((name) => `sentinels[].${name}`);
  return [...new Set([...names, ...ofNodes, ...ofSentinels])];
}

function unknownIn(list: unknown, known: ReadonlySet<string>): string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((one) =>
    Object.entries(asOptions(one) ?? {})
      .filter(([name, value]) => !known.has(name) && isSet(value))
      .map(([name]) => name),
  );
}

/** soketi's defaults are null and empty. */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

export function onlySet(options: RedisOptions): RedisOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => isSet(value)));
}

export function asOptions(value: unknown): RedisOptions | undefined {
  return typeof value === "object" && value !== null ? (value as RedisOptions) : undefined;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
