/**
 * `dist/agent.cjs`. Loaded by `NODE_OPTIONS="--require …/dist/agent.cjs"` it attaches to the soketi that the process
 * runs, and does nothing in any other process. Required by a program that embeds soketi, it gives `attach(server)`.
 */
import { join } from "node:path";
import { UnrecognizedForkError } from "./errors.ts";
import { findSoketiRoot, runningScript, unrecognizedFork } from "./find-soketi.ts";
import { notAttached } from "./not-attached.ts";
import { loadSoketi } from "./package.ts";
import type { SoketiServer } from "./server.ts";
import { tryToAttach } from "./try-to-attach.ts";

/** Servers that an agent waits for or is in: a second one on the same would count, close and report all twice. */
const taken = new WeakSet();

const SERVER_MODULE = join("/", "dist", "server.js");

/**
 * Attaches the agent to a soketi server that your program made, before it is started.
 *
 * @param server `new Server(options)` of `@soketi/soketi`.
 * @throws TypeError when that is not a server of a soketi package that this process has loaded, is started, or has an
 *   agent already.
 */
export function attach(server: object): void {
  const root = rootOf(server);
  if (root === undefined) {
    throw new TypeError(
      "attach: expected a Server of @soketi/soketi, found an object of no loaded soketi package",
    );
  }
  if ((server as SoketiServer).appManager) {
    throw new TypeError(
      "attach: expected a Server that is not started, found one that is: attach before start()",
    );
  }
  if (taken.has(server)) {
    throw new TypeError("attach: expected a Server without an agent, found one that has it: attach once");
  }
  taken.add(server);
  tryToAttach(server as SoketiServer, loadSoketi(root));
}

/**
 * soketi is CommonJS: the module that its Server comes from is in the module cache, however it was imported. Other
 * modules are not looked into: some re-export the class, and reading an export can run somebody's getter.
 */
function rootOf(server: object): string | undefined {
  for (const [file, module] of Object.entries(require.cache)) {
    if (!file.endsWith(SERVER_MODULE)) continue;
    const { Server } = (module?.exports ?? {}) as { Server?: unknown };
    if (typeof Server !== "function" || !(server instanceof Server)) continue;
    const root = findSoketiRoot(file, process.env.APP_SYNC_SOKETI_ROOT);
    if (root !== undefined) return root;
  }
  return undefined;
}

const script = runningScript(process.argv, process.env);
const root = findSoketiRoot(script, process.env.APP_SYNC_SOKETI_ROOT);
const fork = root === undefined ? unrecognizedFork(script) : undefined;
try {
  if (fork !== undefined) throw new UnrecognizedForkError(fork);
  if (root !== undefined) {
    const soketi = loadSoketi(root);
    tryToAttach(soketi.Server.prototype, soketi);
  }
} catch (error) {
  // A preload that throws would keep soketi from starting; and without soketi's modules there is no log of soketi's.
  notAttached(error, (line) => process.stderr.write(`${line}\n`));
}
