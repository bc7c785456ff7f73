import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";

export const SOKETI_PACKAGE = "@soketi/soketi";

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
 * NODE_OPTIONS). The nearest package decides: soketi's own dependencies lie inside its folder. A fork with a name of its
 * own is known by its shape, without running anything of it.
 *
 * @param script often a symbolic link in some `bin` folder.
 * @param given `APP_SYNC_SOKETI_ROOT`: the folder with `dist/` in it, of a fork that has another shape. Counts for scripts in it, and
 *   in the package that it is in.
 */
export function findSoketiRoot(script: string | undefined, given?: string): string | undefined {
  const file = realFile(script);
  if (file === undefined) return undefined;
  const nearest = nearestPackage(dirname(file));
  const root = realPath(given);
  if (root !== undefined && (isWithin(root, file) || (nearest && isWithin(nearest.folder, root))))
    return root;
  return nearest && isSoketi(nearest) ? nearest.folder : undefined;
}

/**
 * The name of a package that says it has to do with soketi, and serves WebSockets with soketi's library, but that
 * `findSoketiRoot` does not take for one: whoever preloads the agent there expects it to attach.
 */
export function unrecognizedFork(script: string | undefined): string | undefined {
  const file = realFile(script);
  const nearest = file === undefined ? undefined : nearestPackage(dirname(file));
  if (!nearest || isSoketi(nearest) || !mayBeFork(nearest)) return undefined;
  return /soketi/i.test(JSON.stringify(nearest.manifest)) ? nearest.manifest.name : undefined;
}

export interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
}

interface Manifest {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly dependencies?: Readonly<Record<string, string>> | undefined;
}

/** @param start a folder: that of the package, or one in it. */
export function nearestPackage(start: string): Package | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const manifest = readManifest(folder);
    // One without a name does not count: many builds put such into folders to set the module type.
    if (manifest?.name !== undefined) return { folder, manifest };
    if (folder === dirname(folder)) return undefined;
  }
}

function readManifest(folder: string): Manifest | undefined {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Manifest;
  } catch {
    // Somebody else's broken package.json is not ours to complain about.
    return undefined;
  }
}

function isSoketi({ folder, manifest }: Package): boolean {
  return manifest.name === SOKETI_PACKAGE || (mayBeFork({ folder, manifest }) && hasModules(folder));
}

/** It has the library that few other kinds of program have with them, and does not embed soketi, which is attached to by call. */
function mayBeFork({ manifest: { dependencies } }: Package): boolean {
  return dependencies?.["uWebSockets.js"] !== undefined && dependencies[SOKETI_PACKAGE] === undefined;
}

/** The modules that the agent takes. */
function hasModules(folder: string): boolean {
  const modules = ["server.js", "app.js", "log.js"].map((file) => join(folder, "dist", file));
  if (!modules.every((file) => existsSync(file))) return false;
  return /\bsetAppManager\b/.test(readFileSync(join(folder, "dist", "server.js"), "utf8"));
}

function realFile(script: string | undefined): string | undefined {
  if (script === undefined) return undefined;
  try {
    // As Node does: a script may be named without its extension.
    return realpathSync(createRequire(script).resolve(script));
  } catch {
    // Not a file: `node -e`, the REPL.
    return undefined;
  }
}

function realPath(folder: string | undefined): string | undefined {
  if (folder === undefined || folder === "") return undefined;
  try {
    return realpathSync(folder);
  } catch {
    // Every program that inherits the variable would complain otherwise. soketi's own is found without it.
    return undefined;
  }
}

/** Whether something is in a package's folder, and not one of its dependencies. */
function isWithin(folder: string, path: string): boolean {
  const folders = relative(folder, path).split(sep);
  return folders[0] !== ".." && !folders.includes("node_modules");
}
