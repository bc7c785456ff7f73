import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { PromClient } from "./prometheus.ts";
import type { RedisLibrary } from "../redis/library.ts";
import type { SoketiAppClass, SoketiServer } from "./server.ts";

/** What the agent takes from the soketi installation that it runs in. */
export interface Soketi {
  readonly version: string;
  readonly Server: { readonly prototype: SoketiServer };
  /** Undefined, rather than an error, when an unknown version has none: the hooks are checked together. */
  readonly App: SoketiAppClass | undefined;
  readonly Log: SoketiLog;
  /** soketi's own ioredis. */
  readonly redis: RedisLibrary;
  /** soketi's own prom-client. */
  readonly prom: PromClient;
}

/** soketi's log on the console. */
export interface SoketiLog {
  success(message: string): void;
  warning(message: string): void;
  error(message: string): void;
}

/**
 * The script that a process runs. Under pm2 that is not `process.argv[1]`, which is a container of pm2's own, but what
 * pm2 names in the environment: by itself in fork mode, in `pm2_env` (JSON) in cluster mode. Only there: whatever such a
 * process starts inherits both.
 */
export function runningScript(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const script = argv[1];
  if (script === undefined || !/ProcessContainer(Fork)?\.js$/.test(script)) return script;
  if (env.pm_exec_path !== undefined) return env.pm_exec_path;
  try {
    return (JSON.parse(env.pm2_env ?? "{}") as { pm_exec_path?: string }).pm_exec_path;
  } catch {
    // Not pm2's: then this is no process that we know.
    return undefined;
  }
}

/**
 * The root of the soketi package that a script belongs to; undefined when it belongs to another (npm and shells inherit
 * NODE_OPTIONS). The nearest package decides: soketi's own dependencies lie inside its folder.
 *
 * @param script often a symbolic link in some `bin` folder.
 */
export function findSoketiRoot(script: string | undefined): string | undefined {
  if (script === undefined) return undefined;
  let folder: string;
  try {
    // As Node does: a script may be named without its extension.
    folder = dirname(realpathSync(createRequire(script).resolve(script)));
  } catch {
    // Not a file: `node -e`, the REPL.
    return undefined;
  }
  for (; ; folder = dirname(folder)) {
    const name = packageName(folder);
    if (name !== undefined) return name === "@soketi/soketi" ? folder : undefined;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Undefined also for a package.json without a name, which many builds put into folders to set the module type. */
function packageName(folder: string): string | undefined {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return undefined;
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name;
  } catch {
    // Somebody else's broken package.json is not ours to complain about.
    return undefined;
  }
}

/** Loads soketi's modules; the running script gets the very same ones. */
export function loadSoketi(root: string): Soketi {
  const require = createRequire(join(root, "package.json"));
  const { version } = require("./package.json") as { version: string };
  const { Server } = require("./dist/server.js") as Pick<Soketi, "Server">;
  const { App } = require("./dist/app.js") as { App?: SoketiAppClass };
  const { Log } = require("./dist/log.js") as { Log: SoketiLog };
  return {
    version,
    Server,
    App,
    Log,
    redis: require("ioredis") as RedisLibrary,
    prom: require("prom-client") as PromClient,
  };
}
