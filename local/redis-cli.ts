import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * What a server on the loopback interface answers. Rejects when it does not within the time: a frozen one takes
 * connections and says nothing.
 */
export async function redisCli(port: number, ...command: string[]): Promise<string> {
  const { stdout } = await run("redis-cli", ["-h", "127.0.0.1", "-p", `${port}`, ...command], {
    timeout: 10_000,
  });
  return stdout;
}

/** Polls until a condition holds; its own failure means "not yet". */
export async function untilTrue(
  what: string,
  condition: () => Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const until = Date.now() + limitMs;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > until)
      throw new Error(`expected ${what} within ${limitMs / 1000} s, found it is not so`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
