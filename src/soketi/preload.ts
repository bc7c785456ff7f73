/**
 * `dist/agent.cjs`. Loaded by `NODE_OPTIONS="--require …/dist/agent.cjs"` it attaches to the soketi that the process
 * runs, and does nothing in any other process. Required by a program that embeds soketi, it gives `attach(server)`.
 */
import { join } from "node:path";
import type { SoketiAppManager, SoketiServer } from "./server.ts";
import { attachTo } from "./attach.ts";
import { isKnownSoketi, KNOWN_SOKETI } from "./known-versions.ts";
import { findSoketiRoot, loadSoketi, runningScript } from "./package.ts";

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
      "attach: expected a Server that is not started yet, found one that is: attach before start()",
    );
  }
  if (taken.has(server)) {
    throw new TypeError("attach: expected a Server without an agent, found one that has it: attach once");
  }
  taken.add(server);
  hook(server as SoketiServer, root);
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
    const root = findSoketiRoot(file);
    if (root !== undefined) return root;
  }
  return undefined;
}

/**
 * Waits for the moment in which soketi sets its app manager, on one server or on the prototype of all. A failure to
 * attach leaves soketi running as it would have run without us, and says so.
 */
function hook(target: SoketiServer, root: string): void {
  const soketi = loadSoketi(root);
  if (!isKnownSoketi(soketi.version)) {
    soketi.Log.warning(
      `app-sync: soketi ${soketi.version} is unknown to this agent (known: ${KNOWN_SOKETI}); trying its hooks.`,
    );
  }
  const { setAppManager: original } = target as { setAppManager?: (manager: SoketiAppManager) => unknown };
  if (typeof original !== "function") {
    soketi.Log.error(
      "app-sync: expected Server.setAppManager, found none: not attached, soketi runs without the agent.",
    );
    return;
  }
  target.setAppManager = function setAppManager(this: SoketiServer, manager) {
    const result: unknown = original.call(this, manager);
    try {
      attachTo(this, manager, soketi);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      soketi.Log.error(`app-sync: not attached, soketi runs without the agent: ${reason}`);
    }
    return result;
  };
}

const root = findSoketiRoot(runningScript(process.argv, process.env));
if (root !== undefined) {
  try {
    hook(loadSoketi(root).Server.prototype, root);
  } catch (error) {
    // A preload that throws would keep soketi from starting; and without soketi's modules there is no log of soketi's.
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`app-sync: not attached, soketi runs without the agent: ${reason}\n`);
  }
}
