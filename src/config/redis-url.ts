/** What a Redis URL says. */
export interface RedisUrl {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
}

const DEFAULT_PORT = 6379;
const MAX_DB = 1_000_000;

/** Nobody's password, but what stands there when address and login have changed places. */
const PORT_OF_REDIS = /^(?:6379|6380|26379)(?:%40|$)/;

/** A name, an IPv4 or an IPv6 address. Nothing else resolves, and what does not may be a part of a password. */
export const HOST = /^(?:[\p{L}\p{N}_.-]+|\[[0-9a-f:.]+(?:%[\w.-]+)?\])$/iu;

/** In user and password these mean something else in a URL, and lead it to another host when they are left as they are. */
const ENCODE = "In user and password write % as %25, # as %23, ? as %3F, / as %2F and @ as %40.";

/**
 * Reads `redis://[user:password@]host[:port][/db]`, or `rediss://…` for TLS.
 *
 * @returns or what was found instead, without any part of it: a wrong one may hold a password anywhere.
 */
export function parseRedisUrl(given: string): RedisUrl | { readonly found: string } {
  const text = given.trim();
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { found: `something that is not a URL (not shown: it may hold a password). ${ENCODE}` };
  }
  // A URL leaves these out without a word, of a password too.
  if (/\p{Cc}/u.test(text))
    return { found: "a control character in it (not shown: it may hold a password)." };
  if (/[?#]/.test(text)) return { found: `a ? or a # in it (not shown: it may hold a password). ${ENCODE}` };
  const db = url.pathname.replace(/^\/+/, "");
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  const isRedis = url.protocol === "redis:" || url.protocol === "rediss:";
  if (!isRedis || !HOST.test(url.hostname) || port === 0 || !/^\d*$/.test(db) || Number(db) > MAX_DB) {
    return { found: `another form (not shown: it may hold a password). ${ENCODE}` };
  }
  if (url.port === "" && url.username !== "" && PORT_OF_REDIS.test(url.password))
    return {
      found: "an address before the @ (not shown: it may hold a password). User and password go there.",
    };
  try {
    return {
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port,
      db: Number(db),
      username: url.username === "" ? undefined : decodeURIComponent(url.username),
      password: url.password === "" ? undefined : decodeURIComponent(url.password),
      tls: url.protocol === "rediss:",
    };
  } catch {
    return { found: `a % that encodes nothing (not shown: it may hold a password). ${ENCODE}` };
  }
}
