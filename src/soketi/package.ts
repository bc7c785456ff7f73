import { createRequire } from "node:module";
import { join } from "node:path";
import { OldSoketiError } from "./errors.ts";
import { nearestPackage, SOKETI_PACKAGE } from "./find-soketi.ts";
import type { PromClient } from "./prometheus.ts";
import type { RedisLibrary } from "../redis/library.ts";
import type { SoketiAppClass, SoketiServer } from "./server.ts";
import type { HttpClient } from "./webhook-requests.ts";

/** What the agent takes from the soketi installation that it runs in. */
export interface Soketi {
  /** As messages call it: soketi, or a fork by its package's name. */
  readonly name: string;
  readonly isFork: boolean;
  readonly version: string;
  readonly Server: { readonly prototype: SoketiServer };
  /** Undefined, rather than an error, when an unknown version has none: the hooks are checked together. */
  readonly App: SoketiAppClass | undefined;
  readonly Log: SoketiLog;
  /** soketi's own ioredis. */
  readonly redis: RedisLibrary;
  /** soketi's own prom-client. */
  readonly prom: PromClient;
  /** A client of soketi's own AWS SDK. */
  readonly makeLambdaClient: (options: object) => unknown;
  /** soketi's own axios, with which it sends webhooks. Undefined in one that has none. */
  readonly http: HttpClient | undefined;
}

/** soketi's log on the console. */
export interface SoketiLog {
  success(message: string): void;
  warning(message: string): void;
  error(message: string): void;
}

/** The oldest ioredis whose interface the agent uses. soketi 1.4 was the first to have it. */
const OLDEST_IOREDIS = 5;

/**
 * Loads soketi's modules; the running script gets the very same ones.
 *
 * @throws OldSoketiError before anything of it is loaded.
 */
export function loadSoketi(root: string): Soketi {
  const require = createRequire(join(root, "package.json"));
  const manifest = nearestPackage(root)?.manifest;
  const isFork = manifest?.name !== SOKETI_PACKAGE;
  const name = isFork ? (manifest?.name ?? `the soketi in ${root}`) : "soketi";
  const version = manifest?.version ?? "without a version";
  const ioredis = require("ioredis/package.json") as { version: string };
  if (Number.parseInt(ioredis.version) < OLDEST_IOREDIS) {
    throw new OldSoketiError(
      `${name} ${version} has ioredis ${ioredis.version}; the agent needs ioredis ${OLDEST_IOREDIS} or later: ` +
        "upgrade soketi to 1.4 or later",
    );
  }
  const { Server } = require("./dist/server.js") as Pick<Soketi, "Server">;
  const { App } = require("./dist/app.js") as { App?: SoketiAppClass };
  const { Log } = require("./dist/log.js") as { Log: SoketiLog };
  return {
    name,
    isFork,
    version,
    Server,
    App,
    Log,
    redis: require("ioredis") as RedisLibrary,
    prom: require("prom-client") as PromClient,
    makeLambdaClient(options) {
      const { Lambda } = require("aws-sdk") as { Lambda: new (options: object) => unknown };
      return new Lambda(options);
    },
    http: httpClient(() => require("axios")),
  };
}

function httpClient(load: () => unknown): HttpClient | undefined {
  try {
    return (load() as { default?: HttpClient }).default;
  } catch {
    return undefined;
  }
}
