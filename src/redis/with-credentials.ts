import type { RedisClient } from "./library.ts";

/** What Redis is logged in with. Never logged. */
export interface RedisLogin {
  readonly username?: string | undefined;
  readonly password: string;
}

/** What to log in with now; undefined while it is not known. */
export type LoginSource = () => RedisLogin | undefined;

/** Has the login asked for at each attempt to connect: ioredis reads user and password of a connection's options then. */
export function withCredentials(client: RedisClient, login: LoginSource | undefined): RedisClient {
  if (!login) return client;
  const { username } = client.options;
  Object.defineProperties(client.options, {
    username: { get: () => login()?.username ?? username, configurable: true, enumerable: true },
    password: { get: () => login()?.password, configurable: true, enumerable: true },
  });
  return client;
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
