import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { JsonObject } from "./json.ts";

const run = promisify(execFile);

export interface PackagedTemplate {
  readonly Resources: Readonly<Record<string, JsonObject>>;
  readonly Outputs: JsonObject;
}

/**
 * The template that `serverless package` makes of what is built. In a copy: osls empties a folder of the project before it begins,
 * so that two at a time would take it from each other. Without credentials, and without a network.
 *
 * @throws Error with what osls said
 */
export async function packagedWith(
  root: string,
  given: Readonly<Record<string, string>>,
): Promise<PackagedTemplate> {
  const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-template-"));
  try {
    const parts = ["serverless.yml", "package.json", "deploy", "dist/handlers"];
    for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const { stage = "", ...parameters } = given;
    const options = Object.entries(parameters).flatMap(([name, value]) => ["--param", `${name}=${value}`]);
    const osls = join(root, "node_modules/serverless/bin/serverless.js");
    const command = [osls, "package", "--package", join(folder, "package"), "--stage", stage, ...options];
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      APP_SYNC_BUILT: "1",
      HTTPS_PROXY: "http://127.0.0.1:9",
    };
    await run(process.execPath, command, { cwd: folder, env }).catch((error: unknown) => {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      throw new Error(`Could not package the functions: ${stdout}${stderr}`, { cause: error });
    });
    const file = join(folder, "package/cloudformation-template-update-stack.json");
    return JSON.parse(readFileSync(file, "utf8")) as PackagedTemplate;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
