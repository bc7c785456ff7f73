import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, moveInto } from "./cache-folder.ts";
import { PLATFORMS, run, runsSoketi } from "./missing.mjs";
import { type NodePackage, NODE_PACKAGES } from "./node-packages.ts";

type Print = (line: string) => void;

/**
 * The Node that runs soketi: the path in `SOKETI_NODE`, this process' own where soketi runs on that, or a Node 20.
 *
 * @throws Error saying what to do, when there is none.
 */
export function soketiNode(print: Print = console.log): string {
  const given = process.env.SOKETI_NODE;
  if (given !== undefined && given !== "") return given;
  if (runsSoketi(process.versions.node)) return process.execPath;
  const node = nodeBinary("20", print);
  if (node !== undefined) return node;
  throw new Error(
    `soketi 1.6.1 from npm runs on Node 16, 18 and 20, found ${process.versions.node}: ` +
      "set SOKETI_NODE to the path of such a node.",
  );
}

/**
 * The path of a Node of a major version: in `SOKETI_TEST_NODE_16` and so on, this process' own, or one from npm. Undefined,
 * which is said, when npm has none for this platform.
 *
 * @throws Error saying what to do, when npm cannot give it.
 */
export function nodeBinary(major: string, print: Print = console.log): string | undefined {
  const variable = `SOKETI_TEST_NODE_${major}`;
  const given = process.env[variable];
  if (given) return given;
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const known = PLATFORMS.find((one) => one === platform);
  const wanted = known && NODE_PACKAGES[major]?.[known];
  if (wanted === undefined) {
    print(`No Node ${major} from npm for ${platform}: skipped, set ${variable}.`);
    return undefined;
  }
  return fetchNode(wanted, print);
}

/**
 * A Node in the user's cache, fetched when it is not there. No dependency of the package: as an optional one it would
 * come, with its 100 MB, to everybody who installs soketi-app-sync, and npm refuses a development dependency that is
 * made for another platform. Its hash is pinned here, as those of dependencies are in package-lock.json.
 *
 * @throws Error saying what to do, when npm cannot give it, or gives another.
 */
export function fetchNode({ name, version, integrity }: NodePackage, print: Print): string {
  const caches = cacheFolder();
  const folder = join(caches, `${name}-${version}`);
  const binaryIn = (where: string) => join(where, "node_modules", name, "bin", "node");
  if (existsSync(binaryIn(folder))) return binaryIn(folder);
  print(`Fetching Node ${version} from npm, once, into ${folder} ...`);
  mkdirSync(caches, { recursive: true });
  const staging = mkdtempSync(join(caches, ".fetching-"));
  try {
    const dependencies = { [name]: version };
    const packages = { "": { dependencies }, [`node_modules/${name}`]: { version, integrity } };
    const write = (file: string, content: object) => {
      writeFileSync(join(staging, file), JSON.stringify(content));
    };
    write("package.json", { private: true, dependencies });
    write("package-lock.json", { lockfileVersion: 3, requires: true, packages });
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    const { ok, output } = run("npm", ["ci", "--prefix", staging, ...options]);
    if (!ok) {
      throw new Error(
        `Could not get Node ${version} from npm as ${name}: set SOKETI_NODE, or SOKETI_TEST_NODE_${version.split(".")[0] ?? ""} ` +
          `for tests, to the path of one. npm said: ${output.trim()}`,
      );
    }
    moveInto(folder, staging);
    return binaryIn(folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
