import { type ChildProcess, spawn } from "node:child_process";

/** Thrown when a child process ends, or does not become ready, before it is of use. One line, then its last words. */
export class ChildError extends Error {
  override readonly name = "ChildError";
}

export interface ChildOptions {
  /** How people call it in messages: "redis-server", "soketi node 1". */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
  /** Resolves true when the child can be used. Called again and again. May reject: that is "not yet". */
  readonly ready: (child: Child) => Promise<boolean>;
  /** How long that may take. Milliseconds, 60,000 by default. */
  readonly readyWithinMs?: number | undefined;
  /** Gets each whole line that the child prints. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** A real part as a child process, in a process group of its own: the terminal's Ctrl-C does not reach it. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Everything printed, up to the last 64 KB. */
  readonly output: () => string;
  /** Resolves when the process is gone, with how it went. */
  readonly exited: Promise<string>;
  /** SIGTERM to the group, SIGKILL after five seconds. Resolves when the process is gone. */
  stop(): Promise<void>;
  /** Any signal, for tests: SIGSTOP, SIGCONT, SIGKILL. */
  signal(signal: NodeJS.Signals): void;
}

const OUTPUT_LIMIT = 64 * 1024;
const GRACE_MS = 5_000;
const POLL_MS = 25;

const running = new Set<Child>();

// Whatever ends this process, nothing it started outlives it.
process.on("exit", () => {
  for (const child of running) child.signal("SIGKILL");
});
const FATAL = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
for (const [signal, number] of Object.entries(FATAL)) {
  process.on(signal, () => {
    // A signal's default ending skips the exit handlers. Who listens too stops the children in order, and ends it.
    if (process.listenerCount(signal) === 1) process.exit(128 + number);
  });
}

/** @throws ChildError when it cannot be started, dies, or is not ready in time; it is gone then. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = spawnChild(options);
  let gone: string | undefined;
  void child.exited.then((how) => {
    gone = how;
  });
  const limit = options.readyWithinMs ?? 60_000;
  const until = Date.now() + limit;
  for (;;) {
    // The probe's own failure means that the child is not there yet.
    const ready = await options.ready(child).catch(() => false);
    // Asked in this order: what answers for a dead child is another that has its port.
    if (ready && gone === undefined) return child;
    if (gone !== undefined)
      throw new ChildError(`${child.name} ${gone} before it was ready.${lastWords(child)}`);
    if (Date.now() > until) {
      await child.stop();
      throw new ChildError(`${child.name} was not ready within ${limit / 1000} s.${lastWords(child)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function spawnChild(options: ChildOptions): Child {
  const process_ = spawn(options.command, options.args, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
  });
  const output = collectOutput(process_, options.onLine);
  const exited = new Promise<string>((resolve) => {
    process_.once("error", (error) => resolve(`could not be started (${error.message})`));
    process_.once("exit", (code, signal) =>
      resolve(signal ? `ended by ${signal}` : `ended with exit code ${code ?? "unknown"}`),
    );
  });
  const child: Child = {
    name: options.name,
    pid: process_.pid ?? 0,
    output,
    exited,
    signal(signal) {
      if (process_.pid === undefined) return;
      try {
        process.kill(-process_.pid, signal);
      } catch (error) {
        // ESRCH: gone by itself, which is what a signal to it is for. EPERM: macOS says so of a group of zombies.
        const code = (error as NodeJS.ErrnoException).code ?? "";
        if (!["ESRCH", "EPERM"].includes(code)) throw error;
      }
    },
    async stop() {
      child.signal("SIGCONT");
      child.signal("SIGTERM");
      const killer = setTimeout(() => child.signal("SIGKILL"), GRACE_MS);
      await exited;
      clearTimeout(killer);
    },
  };
  running.add(child);
  void exited.then(() => {
    // What it started in its group goes with it.
    child.signal("SIGKILL");
    running.delete(child);
  });
  return child;
}

function collectOutput(process_: ChildProcess, onLine?: (line: string) => void): () => string {
  let text = "";
  let partial = "";
  const take = (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-OUTPUT_LIMIT);
    if (!onLine) return;
    const lines = (partial + chunk.toString()).split("\n");
    partial = lines.pop() ?? "";
    lines.forEach(onLine);
  };
  process_.stdout?.on("data", take);
  process_.stderr?.on("data", take);
  return () => text;
}

function lastWords(child: Child): string {
  const lines = child.output().trim().split("\n").slice(-25).join("\n  ");
  return lines === "" ? " It printed nothing." : ` Its last output:\n  ${lines}`;
}
