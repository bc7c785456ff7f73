import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "./fleet.ts";

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** The repository by default. */
  readonly cwd?: string;
  /** Gets everything that it prints, as it comes; may send a signal. */
  readonly onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/**
 * The built `soketi-app-sync`, in a process of its own, while this one goes on. Knows nothing of this one's variables but where
 * Node keeps what it has compiled.
 */
export function cli(
  args: readonly string[],
  { env, input = "", cwd = root, onOutput }: CliOptions = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [join(root, "dist/cli.mjs"), ...args], {
    cwd,
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      ...env,
    },
  });
  let stdout = "";
  let stderr = "";
  const hear = (text: string) => onOutput?.(text, (signal) => child.kill(signal));
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    hear(chunk.toString());
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    hear(chunk.toString());
  });
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, stdout, stderr }));
  });
}

/** What `flush` and `invalidate` say where there is a shared cache. */
export const CACHE_LEFT =
  "the shared cache is left as it is: soketi-app-sync sweep compares it with the table\n";

/** Sends Ctrl-C, or another signal, when a command has said this: once, as a second one ends it at once. */
export function interruptOnce(
  words: string,
  signal: NodeJS.Signals = "SIGINT",
): NonNullable<CliOptions["onOutput"]> {
  let isSent = false;
  return (text, kill) => {
    if (isSent || !text.includes(words)) return;
    isSent = true;
    kill(signal);
  };
}

/** The JSON that a command has printed, each line a value. */
export function jsonLines<T = Record<string, unknown>>({ stdout }: CliResult): T[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}
