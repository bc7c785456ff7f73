import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../local/missing.mjs";
import { root } from "./fleet.ts";

export interface InstalledSoketi {
  /** Its `bin/server.js`. */
  readonly script: string;
  stop(): Promise<void>;
}

/** A version of soketi from npm, with the dependencies that npm gives it now, and our build of uWebSockets.js. */
export function installSoketi(version: string): InstalledSoketi {
  const folder = mkdtempSync(join(tmpdir(), `soketi-app-sync-${version}-`));
  const { overrides } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    overrides: Record<string, unknown>;
  };
  const manifest = {
    private: true,
    dependencies: { "@soketi/soketi": version },
    overrides: { "uWebSockets.js": overrides["uWebSockets.js"] },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  const { ok, output } = run("npm", ["install", "--prefix", folder, ...options]);
  if (!ok) throw new Error(`Could not install soketi ${version} from npm: ${output.trim()}`);
  return {
    script: join(folder, "node_modules", "@soketi", "soketi", "bin", "server.js"),
    stop() {
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  };
}
