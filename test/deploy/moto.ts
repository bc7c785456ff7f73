import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startChild } from "../../local/child.ts";
import { freePort } from "../../local/free-port.ts";

const run = promisify(execFile);

/** The version that was tried. What it lacks is named in prove.ts. */
const MOTO = "moto[server]==5.2.5";

export interface Moto {
  /** Where every AWS API is, with dummy credentials: for the environment of whatever talks to it. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/**
 * moto, an emulator of the AWS APIs, on a free port, out of a Python environment in a temporary folder.
 *
 * @throws Error when there is no Python 3 with venv, or PyPI cannot be reached
 */
export async function startMoto(region: string): Promise<Moto> {
  const folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-moto-"));
  const bin = (name: string) => join(folder, "bin", name);
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await run("python3", ["-m", "venv", folder]);
    await run(bin("pip"), ["install", "--quiet", "--disable-pip-version-check", MOTO]);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const child = await startChild({
      name: "moto",
      command: bin("moto_server"),
      args: ["-H", "127.0.0.1", "-p", String(port)],
      cwd: folder,
      ready: () => fetch(`${url}/moto-api/data.json`).then(({ ok }) => ok, () => false), // prettier-ignore
    });
    return {
      environment: {
        AWS_ENDPOINT_URL: url,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: "testing",
        AWS_SECRET_ACCESS_KEY: "testing",
      },
      async stop() {
        await child.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw new Error(
      `expected moto to start, found ${error instanceof Error ? error.message : String(error)}. ` +
        "It needs python3 with venv (Debian: python3-venv), and PyPI.",
      { cause: error },
    );
  }
}
