import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { stripVTControlCharacters } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { eventually, root } from "../support/fleet.ts";

let running: ChildProcess | undefined;
let printed: string;
let ended: Promise<number | null>;

/** `npm start -- …`, without the build that the run has made already. */
function start(...args: string[]): void {
  printed = "";
  const child = spawn(process.execPath, ["--import", "tsx", "local/start.ts", ...args], { cwd: root });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (printed += stripVTControlCharacters(chunk.toString())));
  }
  ended = new Promise((resolve) => child.once("exit", resolve));
  running = child;
}

const prints = (text: string) => eventually(`"${text}"`, () => Promise.resolve(printed.includes(text)));

/** Process ids of the parts that the local stack has started. */
function parts(name: string): number[] {
  try {
    const output = execFileSync("pgrep", ["-P", String(running?.pid), "-f", name], { encoding: "utf8" });
    return output.trim().split("\n").map(Number);
  } catch {
    // pgrep's way to say that there is none.
    return [];
  }
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

afterEach(async () => {
  // Whoever is killed leaves its parts behind.
  running?.kill("SIGTERM");
  await ended;
});

describe("npm start", () => {
  it("shows the job, follows a change of one's own, and leaves nothing behind on Ctrl-C", async () => {
    start("--port", "0");
    await prints("Ctrl-C ends everything.");
    expect(printed).toMatch(/node 2: old entry (last served \d+ ms|not served) after the write/);
    expect(printed).toMatch(/node 1: the client was closed with 4003/);
    expect(printed).toMatch(/400 drops: p50 \d+ ms, p99 \d+ ms/);

    // The console has watched it all.
    const [, console_ = ""] = /^Console: +(http:\/\/127\.0\.0\.1:\d+\/)$/m.exec(printed) ?? [];
    expect(await (await fetch(console_)).text()).toContain("<title>soketi-app-sync</title>");
    const apps = (await (await fetch(`${console_}api/apps`)).json()) as { all: number };
    expect(apps.all).toBe(201);

    const [, commands = ""] = /^( {2}export [^]*?apps disable acme)$/m.exec(printed) ?? [];
    expect(commands).not.toBe("");
    execFileSync("sh", ["-c", commands], { cwd: root });
    await prints("node 1: app-sync: dropped acme");

    // A node may go: the rest goes on without it.
    const [node] = parts("soketi-server");
    if (node === undefined) throw new Error("expected a soketi process, found none");
    process.kill(node, "SIGKILL");
    await prints('ended by SIGKILL: "Start it again" on the console does that.');
    const enable = commands.replace("disable acme", "enable acme --timeout 5s --json");
    const { status, stdout } = spawnSync("sh", ["-c", enable], { cwd: root, encoding: "utf8" });
    expect(status, stdout).toBe(3);
    const { nodes } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as {
      nodes: { confirmedAfterMs: number | null }[];
    };
    expect(nodes.map(({ confirmedAfterMs }) => confirmedAfterMs !== null).sort()).toEqual([false, true]);

    const pids = ["redis-server", "DynamoDBLocal", "serverless", "soketi"].flatMap(parts);
    expect(pids.length).toBeGreaterThanOrEqual(4);
    running?.kill("SIGINT");
    expect(await ended).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it("ends with one clear line when a part dies", async () => {
    start("--port", "0");
    await prints("1. The secret");
    // The title that soketi gives itself.
    const [pid] = parts("soketi-server");
    if (pid === undefined) throw new Error("expected a soketi process, found none");
    process.kill(pid, "SIGKILL");
    expect(await ended).toBe(1);
    expect(printed.trim().split("\n").at(-1)).toMatch(/^soketi node [12] ended by SIGKILL$/);
  });

  it("says in one line that a port is busy, and that an option is wrong", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    start("--port", String(port), "--once");
    expect(await ended).toBe(1);
    expect(printed.trim()).toBe(`Port ${port} is busy: use others with: npm start -- --port ${port + 100}`);
    server.close();
    start("--nodes", "0");
    expect(await ended).toBe(1);
    expect(printed.trim()).toMatch(/^--nodes: expected a number from 1 to 50, found "0"\./);
    start("--port", "many");
    expect(await ended).toBe(1);
    expect(printed.trim()).toMatch(/^--port: expected a port from 0 to 65527, found "many"\./);
  });
});
