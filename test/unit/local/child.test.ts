import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type Child, ChildError, type ChildOptions, startChild } from "../../../local/child.ts";

const started: Child[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => child.stop()));
});

/** A child that runs the script, ready as soon as it has printed "ready". */
async function startScript(script: string, options: Partial<ChildOptions> = {}): Promise<Child> {
  const child = await startChild({
    name: "script",
    command: process.execPath,
    args: ["--eval", script],
    ready: (candidate) => Promise.resolve(candidate.output().includes("ready")),
    ...options,
  });
  started.push(child);
  return child;
}

const STAY = "setInterval(() => {}, 1000);";

describe("a child process", () => {
  it("is ready when its probe says so, and gone when stopped", async () => {
    const child = await startScript(`console.log("ready"); ${STAY}`);
    expect(isAlive(child.pid)).toBe(true);

    await child.stop();

    expect(isAlive(child.pid)).toBe(false);
    expect(await child.exited).toBe("ended by SIGTERM");
  });

  it("takes a probe's failure for not yet", async () => {
    let calls = 0;
    const ready = () => (++calls < 3 ? Promise.reject(new Error("refused")) : Promise.resolve(true));

    await startScript(STAY, { ready });

    expect(calls).toBe(3);
  });

  it("that dies before it is ready is told with its exit code and last words", async () => {
    const failure = startScript(`console.error("port 1 is taken"); process.exit(3);`);

    await expect(failure).rejects.toThrow(ChildError);
    await expect(failure).rejects.toThrow(
      /^script ended with exit code 3 before it was ready\..*port 1 is taken/s,
    );
  });

  it("that is not there at all is told so", async () => {
    const failure = startScript("", { command: "/nowhere/no-such-program" });

    await expect(failure).rejects.toThrow(/script could not be started \(.*ENOENT/);
  });

  it("that dies is not ready, whatever answers in its place", async () => {
    let probed = 0;
    const dead = (child: Child) => child.exited.then(() => ++probed > 0);

    await expect(startScript("process.exit(3)", { ready: dead })).rejects.toThrow(/ended with exit code 3/);
    expect(probed).toBe(1);
  });

  it("that is not ready in time is told so, and is gone", async () => {
    const failure = startScript(`console.log("pid " + process.pid); ${STAY}`, { readyWithinMs: 500 });

    const message = await failure.then(
      () => "ready",
      (error: unknown) => (error as Error).message,
    );
    expect(message).toContain("script was not ready within 0.5 s");
    expect(isAlive(pidIn(message))).toBe(false);
  });

  it("gives each whole line that it prints", async () => {
    const lines: string[] = [];

    await startScript(
      `process.stdout.write("one\\ntw"); setTimeout(() => console.log("o\\nready"), 20); ${STAY}`,
      {
        onLine: (line) => lines.push(line),
      },
    );

    expect(lines).toEqual(["one", "two", "ready"]);
  });

  it("can be stopped while it is paused, and twice", async () => {
    const child = await startScript(`console.log("ready"); ${STAY}`);
    child.signal("SIGSTOP");

    await Promise.all([child.stop(), child.stop()]);
    await child.stop();

    expect(isAlive(child.pid)).toBe(false);
  });

  it("takes what it started with it", async () => {
    const child = await startScript(
      `const { pid } = require("node:child_process").spawn(process.execPath, ["--eval", ${JSON.stringify(STAY)}]);
       console.log("pid " + pid + " ready"); ${STAY}`,
    );
    const grandchild = pidIn(child.output());
    expect(isAlive(grandchild)).toBe(true);

    await child.stop();

    await until(() => !isAlive(grandchild));
  });
});

describe("when the parent ends, nothing is left behind", () => {
  it.each([
    ["by itself", "process.exit(0)"],
    ["by an error that nobody catches", 'setTimeout(() => { throw new Error("oops"); })'],
  ])("%s", async (_how, ending) => {
    const { pid, exited } = await startParent(ending);

    await exited;

    await until(() => !isAlive(pid));
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("by %s", async (signal) => {
    const { parent, pid, exited } = await startParent(STAY);
    parent.kill(signal);

    await exited;

    await until(() => !isAlive(pid));
  });

  it("but a parent that listens for the signal has the say", async () => {
    const { parent, exited } = await startParent(
      'process.on("SIGTERM", async () => { await child.stop(); process.exit(7); });',
    );
    parent.kill("SIGTERM");

    await exited;

    expect(parent.exitCode).toBe(7);
  });
});

/** Another Node process that starts a child of its own with `startChild` and then does something. */
async function startParent(then: string) {
  const module = fileURLToPath(new URL("../../../local/child.ts", import.meta.url));
  const script = `
    import { startChild } from ${JSON.stringify(module)};
    const child = await startChild({
      name: "grandchild", command: process.execPath, args: ["--eval", ${JSON.stringify(STAY)}],
      ready: () => Promise.resolve(true),
    });
    console.log("pid " + child.pid);
    ${then};
  `;
  const parent = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<void>((resolve) => parent.once("exit", () => resolve()));
  let output = "";
  parent.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  parent.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await until(
    () => /pid \d+/.test(output),
    () => output,
  );
  return { parent, exited, pid: pidIn(output) };
}

function pidIn(text: string): number {
  return Number(/pid (\d+)/.exec(text)?.[1]);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(condition: () => boolean, explain: () => string = () => ""): Promise<void> {
  const limit = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > limit)
      throw new Error(`expected it within 10 s, found that it did not happen. ${explain()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
