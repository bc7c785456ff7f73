import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, moveInto } from "../../../local/cache-folder.ts";

const run = promisify(execFile);

/** AWS's own, of the line that Lambda's nodejs24.x runs (Node 22 and later). */
const VERSION = "4.0.2";
const PACKAGE = "aws-lambda-ric";

/**
 * AWS's runtime interface client: what loads a handler in Lambda, and asks for its invocations. npm has its source; it is built
 * once, into the user's cache folder.
 *
 * @param node a Node 24, in whose package the headers of Node are.
 * @returns the file to run; undefined where it cannot be built, as its own scripts say: on macOS.
 * @throws Error saying what it needs, when it could not be built.
 */
export async function runtimeClient(node: string, say: (line: string) => void): Promise<string | undefined> {
  if (process.platform === "darwin") {
    say("AWS's runtime client does not build on macOS: the zips were not run.");
    return undefined;
  }
  const folder = join(cacheFolder(), `${PACKAGE}-${VERSION}`);
  const fileIn = (where: string) => join(where, "node_modules", PACKAGE, "index.mjs");
  if (existsSync(fileIn(folder))) return fileIn(folder);
  say(`Building AWS's runtime client ${VERSION} from npm, once, into ${folder} ...`);
  await mkdir(cacheFolder(), { recursive: true });
  const staging = await mkdtemp(join(cacheFolder(), ".building-"));
  try {
    await build(staging, dirname(dirname(node)));
    moveInto(folder, staging);
    return fileIn(folder);
  } catch (error) {
    throw new Error(
      `Could not build AWS's runtime client: ${error instanceof Error ? error.message.slice(-2_000) : String(error)}. ` +
        "It needs a C++ compiler, make, cmake, python3 and xz (Debian: build-essential cmake python3 xz-utils).",
      { cause: error },
    );
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Its install scripts, one by one: npm may be told not to run any, and its node-gyp would fetch headers from elsewhere. */
async function build(folder: string, headers: string): Promise<void> {
  const options = { maxBuffer: 2 ** 26 };
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true }));
  const npmArgs = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  await run("npm", ["install", "--prefix", folder, ...npmArgs, `${PACKAGE}@${VERSION}`], options);
  const client = join(folder, "node_modules", PACKAGE);
  await run("sh", [join(client, "scripts", "preinstall.sh")], { ...options, cwd: client });
  const gyp = join(folder, "node_modules", "node-gyp", "bin", "node-gyp.js");
  await run(process.execPath, [gyp, "rebuild", "--directory=src/native", `--nodedir=${headers}`], {
    ...options,
    cwd: client,
    env: { ...process.env, DEPS_PREFIX: join(client, "deps", "artifacts") },
  });
  await copyFile(
    join(client, "src/native/build/Release/rapid-client.node"),
    join(client, "rapid-client.node"),
  );
  for (const built of ["deps", "src/native/build"]) {
    await rm(join(client, built), { recursive: true, force: true });
  }
}
