import type { RedisClient } from "./library.ts";

/** What Redis is logged in with. Never logged. */
export interface RedisLogin {
  readonly username?: string | undefined;
  readonly password: string;
  /** For the sentinels, which have users of their own. */
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
}

/** What to log in with now; undefined while it is not known. */
export type LoginSource = () => RedisLogin | undefined;

/**
 * Has the login read at each attempt to connect: ioredis takes users and passwords from a connection's options then, and
 * its way to the sentinels has the same object.
 */
export function withCredentials(client: RedisClient, login: LoginSource | undefined): RedisClient {
  if (!login) return client;
  const { username, password, sentinelUsername, sentinelPassword } = client.options;
  const current = (get: () => string | null | undefined) => ({ get, configurable: true, enumerable: true });
  Object.defineProperties(client.options, {
    username: current(() => login()?.username ?? username),
    password: current(() => login()?.password ?? password),
    sentinelUsername: current(() => login()?.sentinelUsername ?? sentinelUsername),
    sentinelPassword: current(() => login()?.sentinelPassword ?? sentinelPassword),
  });
  return client;
}

/** The part of a login that is for the sentinels themselves, whose own connections know no other. */
export function forSentinels(login: LoginSource | undefined): LoginSource | undefined {
  return (
    login &&
    (() => {
      const { sentinelUsername: username, sentinelPassword: password } = login() ?? {};
      return password === undefined ? undefined : { username, password };
    })
  );
}

/** Where the pipeline gets its login from. */
export interface RedisCredentials {
  /** What the next connection logs in with; read by ioredis each time it connects. Undefined before it is known. */
  readonly login: RedisLogin | undefined;
  /**
   * Before Redis is used: gets a secret that is not there yet, or that Redis refused since.
   *
   * @throws RedisLoginError saying what could not be read, without its value.
   */
  prepare(): Promise<void>;
  /** Redis refused the login: it was changed, perhaps. */
  refused(): void;
}
