import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type AppsTable, openAppsTable } from "../../local/apps-table.ts";
import { cli, type CliResult, interruptOnce, jsonLines } from "../support/cli.ts";
import { item, root } from "../support/fleet.ts";
import { type MuteServer, startMuteServer } from "../support/mute-server.ts";

interface Command {
  readonly args: readonly string[];
  readonly needs: readonly ("redis" | "table")[];
  /** The exit code where all is there, and no node and no function: exit 3 where one is waited for. */
  readonly well: number;
  /** The exit code without what it needs, where it is not 1: it has looked at the rest. */
  readonly without?: Partial<Record<"redis" | "table", number>>;
  /** Goes on until it is ended. */
  readonly endless?: true;
  /** Prints what is nowhere else to be read: where nobody reads it, that is told. */
  readonly secret?: true;
  readonly env?: Readonly<Record<string, string>>;
}

const WAIT = ["--timeout", "300ms"];
const both = ["redis", "table"] as const;

/** Every command, as docs/cli.md has them. */
const COMMANDS: Readonly<Record<string, Command>> = {
  doctor: { args: ["doctor", "--items"], needs: both, well: 2, without: { redis: 2, table: 2 } },
  nodes: { args: ["nodes"], needs: ["redis"], well: 2 },
  measure: { args: ["measure", ...WAIT], needs: both, well: 2 },
  "nodes --watch": { args: ["nodes", "--watch", "100ms"], needs: ["redis"], well: 0, endless: true },
  tail: { args: ["tail"], needs: ["redis"], well: 0, endless: true },
  "tail --no-follow": { args: ["tail", "--since", "1m", "--no-follow"], needs: ["redis"], well: 0 },
  get: { args: ["get", "a"], needs: both, well: 0, without: { redis: 7 } },
  validate: { args: ["validate"], needs: ["table"], well: 0 },
  "validate --fix": { args: ["validate", "--fix", "--dry-run"], needs: ["table"], well: 0 },
  normalize: { args: ["normalize", "ITEM"], needs: [], well: 0 },
  "apps list": { args: ["apps", "list"], needs: ["table"], well: 0 },
  "apps create": { args: ["apps", "create", "new", ...WAIT], needs: both, well: 3, secret: true },
  "apps update": {
    args: ["apps", "update", "b", "--set", "MaxConnections=5", ...WAIT],
    needs: both,
    well: 3,
  },
  "apps disable": { args: ["apps", "disable", "c", ...WAIT], needs: both, well: 3 },
  "apps enable": { args: ["apps", "enable", "d", ...WAIT], needs: both, well: 3 },
  "apps rotate-secret": {
    args: ["apps", "rotate-secret", "e", ...WAIT],
    needs: both,
    well: 3,
    secret: true,
  },
  "apps rotate-secret --overlap": {
    args: ["apps", "rotate-secret", "l", "--overlap", "1h", ...WAIT],
    needs: both,
    well: 3,
    secret: true,
  },
  "apps rotate-secret --all": {
    args: [
      "apps",
      "rotate-secret",
      "--all",
      "--where",
      "id=m",
      "--overlap",
      "1h",
      "--yes",
      "--out",
      "OUT",
      ...WAIT,
    ],
    needs: both,
    well: 3,
  },
  "apps rotate-key": { args: ["apps", "rotate-key", "f", ...WAIT], needs: both, well: 3 },
  "apps delete": { args: ["apps", "delete", "g", "--yes", ...WAIT], needs: both, well: 3 },
  "apps end-overlap": { args: ["apps", "end-overlap", "h", ...WAIT], needs: both, well: 3 },
  "apps disable, several": { args: ["apps", "disable", "i", "j", ...WAIT], needs: both, well: 3 },
  "apps update --all": {
    args: ["apps", "update", "--all", "--where", "id=k", "--set", "MaxConnections=5", "--yes", ...WAIT],
    needs: both,
    well: 3,
  },
  "apps export": { args: ["apps", "export", "OUT"], needs: ["table"], well: 0 },
  "apps import": { args: ["apps", "import", "EXPORT", "--yes", ...WAIT], needs: both, well: 3 },
  invalidate: { args: ["invalidate", "a", ...WAIT], needs: ["redis"], well: 3 },
  flush: { args: ["flush", ...WAIT], needs: ["redis"], well: 3 },
  // What is cached is compared with the table: nothing is.
  sweep: {
    args: ["sweep"],
    needs: ["redis"],
    well: 0,
    env: { SHARED_CACHE: "evict", DB_REDIS_KEY_PREFIX: "cli-failures:" },
  },
  redrive: { args: ["redrive", "--shard", "shardId-1", "--from", "1", "--to", "2"], needs: both, well: 1 },
};
const ALL = Object.entries(COMMANDS);

/** What serves until it is ended, whatever is away meanwhile; and what it says when it is there. */
const SERVERS = {
  console: { args: ["console", "--port", "0"], says: "Console: http" },
  relay: { args: ["relay", "--port", "0"], says: "relay started" },
} as const;
const needing = (what: "redis" | "table") => ALL.filter(([, { needs }]) => needs.includes(what));

/** Where Redis is, and what is wrong there. */
const FAULTY: Readonly<Record<string, { env: () => Record<string, string>; says: RegExp }>> = {
  "sentinels that are mute": {
    env: () => ({ ...sentinelsAt(redis.port, dynamodb.port, redis.port), ...PASSWORDS }),
    says: /did not answer|no sentinel could be reached/,
  },
  "a cluster that is mute": {
    env: () => ({ REDIS_CLUSTER_NODES: listOf(redis.port, dynamodb.port), ...PASSWORDS }),
    says: /did not answer/,
  },
  "mute, after TLS": {
    env: () => ({ REDIS_URL: `rediss://:s3cret@127.0.0.1:${redis.port}` }),
    says: /did not answer/,
  },
  "mute after the login": { env: () => redisAt(halfMute.port), says: /did not answer/ },
  "no Redis": { env: () => redisAt(garbage.port), says: /answers like another server: check host and port/ },
  "sentinels that are none": {
    env: () => ({ ...sentinelsAt(garbage.port), ...PASSWORDS }),
    says: /no sentinel could be reached|did not answer/,
  },
  "a cluster that is none": {
    env: () => ({ REDIS_CLUSTER_NODES: listOf(garbage.port), ...PASSWORDS }),
    says: /answers like another server: check host and port/,
  },
};

/** The promise is ten seconds; what is left is for a process that starts on a machine that is busy. */
const LIMIT_MS = 10_000 + 5_000;

let table: AppsTable;
let redis: MuteServer;
let dynamodb: MuteServer;
let halfMute: MuteServer;
let garbage: MuteServer;
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  [redis, dynamodb] = [await startMuteServer(), await startMuteServer()];
  halfMute = await startMuteServer(untilReady);
  garbage = await startMuteServer(() => "HTTP/1.1 400 Bad Request\r\n\r\n");
  table = await openAppsTable(inject("dynamodbEndpoint"), "cli-failures");
  await table.put(item("a"));
  await prepare();
  folder = await mkdtemp(join(tmpdir(), "app-sync-cli-failures-"));
  await writeFile(join(folder, "item.json"), JSON.stringify(item("a")));
  await writeFile(join(folder, "export.jsonl"), JSON.stringify({ Item: item("imported") }));
  env = {
    REDIS_URL: inject("redisUrl"),
    APP_SYNC_PREFIX: "{cli-failures}",
    APP_MANAGER_DYNAMODB_TABLE: "cli-failures",
    APP_MANAGER_DYNAMODB_ENDPOINT: inject("dynamodbEndpoint"),
  };
});

afterAll(async () => {
  await Promise.all([redis, dynamodb, halfMute, garbage].map((one) => one.close()));
  await rm(folder, { recursive: true });
});

/** Words that stand for a file. */
const FILES: Readonly<Record<string, () => string>> = {
  ITEM: () => "item.json",
  EXPORT: () => "export.jsonl",
  OUT: () => `${randomUUID()}.jsonl`,
};
const argsOf = ({ args }: Pick<Command, "args">) =>
  args.map((arg) => (FILES[arg] ? join(folder, FILES[arg]()) : arg));
const PASSWORDS = { REDIS_URL: "", REDIS_PASSWORD: "s3cret", REDIS_SENTINEL_PASSWORD: "s3cret" };
const listOf = (...ports: number[]) => ports.map((port) => `127.0.0.1:${port}`).join(",");
const sentinelsAt = (...ports: number[]) => ({
  REDIS_SENTINELS: listOf(...ports),
  REDIS_SENTINEL_NAME: "main",
});
const redisAt = (port: number) => ({ REDIS_URL: `redis://:s3cret@127.0.0.1:${port}` });
const tableAt = (port: number) => ({ APP_MANAGER_DYNAMODB_ENDPOINT: `http://127.0.0.1:${port}` });

/** What a Redis answers to a client that connects, and to no command after it. */
function untilReady(sent: string): string {
  const info = "# Server\r\nredis_version:7.0.15\r\nloading:0\r\n";
  const answers = {
    hello: "%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n",
    client: "+OK\r\n",
    ping: "+PONG\r\n",
    info: `$${info.length}\r\n${info}\r\n`,
  };
  const names = [...sent.matchAll(/^\*\d+\r\n\$\d+\r\n(\w+)/gm)].map(([, name = ""]) => name.toLowerCase());
  return names.map((name) => (name in answers ? answers[name as keyof typeof answers] : "")).join("");
}

/** What commands make, change and delete, as before. */
async function prepare(): Promise<void> {
  await Promise.all([table.delete("new"), table.delete("imported")]);
  const until = String(Math.ceil(Date.now() / 1_000) + 3_600);
  const overlap = { AppSecretPrevious: { S: "former" }, AppSecretPreviousUntil: { N: until } };
  const plain = ["b", "c", "e", "f", "g", "i", "j", "k", "l", "m"].map((id) => item(id));
  const disabled = item("d", { Enabled: { BOOL: false } });
  await Promise.all([...plain, disabled, item("h", overlap)].map((one) => table.put(one)));
}

async function run(
  command: Command,
  more: Record<string, string> = {},
  also: string[] = [],
): Promise<CliResult> {
  const started = performance.now();
  const result = await cli([...argsOf(command), ...also], { env: { ...env, ...command.env, ...more } });
  expect(performance.now() - started).toBeLessThan(LIMIT_MS);
  speaksToUsers(result);
  return result;
}

/** No stack trace, no sentence about a library's options, no secret. */
function speaksToUsers({ stdout, stderr }: Pick<CliResult, "stdout" | "stderr">): void {
  expect(`${stdout}${stderr}`).not.toMatch(
    /^\s+at |node_modules|maxRetriesPerRequest|Refer to|s3cret|\[object /m,
  );
}

/** The error that ends a command, as `--json` tells it: the last line, after notes on the work itself. */
function errorOf({ stderr }: CliResult): { error?: string; code?: string } {
  return JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as object;
}

describe.concurrent("a wrong option", () => {
  it.each([...ALL, ...Object.entries(SERVERS)])("%s", async (_, { args }) => {
    const command: Command = { args, needs: [], well: 0 };
    const plain = await run(command, {}, ["--nonsense"]);
    expect([plain.status, plain.stdout]).toEqual([1, ""]);
    expect(plain.stderr).toMatch(
      /^soketi-app-sync: unknown option '--nonsense': see soketi-app-sync .*--help\n$/,
    );
    const json = await run(command, {}, ["--json", "--nonsense"]);
    expect([json.status, json.stdout]).toEqual([1, ""]);
    expect(errorOf(json)).toMatchObject({
      code: "E_USAGE",
      error: expect.stringContaining("--nonsense") as string,
    });
  });
});

it.concurrent.each([
  [
    "an option that there is not",
    ["doctor", "--redis-url=redis://:s3cret@localhost"],
    "unknown option '--redis-url=…'",
  ],
  [
    "a value that is none",
    ["nodes", "--expect", "redis://:s3cret@localhost"],
    "argument '…' (a URL, not shown",
  ],
  ["a command that there is not", ["redis://:s3cret@localhost"], "unknown command '…' (a URL, not shown"],
])("%s is told without what may be a password", async (_, args, words) => {
  for (const options of [[], ["--json"]]) {
    const { status, stdout, stderr } = await run({ args, needs: [], well: 0 }, {}, options);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain("s3cret");
  }
});

describe.concurrent("a wrong table", () => {
  it.each(needing("table"))("%s", async (_, command) => {
    const { status, stdout, stderr } = await run(command, { APP_MANAGER_DYNAMODB_TABLE: "nowhere" });
    expect(status).toBe(command.without?.table ?? 1);
    expect(`${stdout}${stderr}`).toContain("nowhere");
  });
});

describe.concurrent.each(["down", "mute"] as const)("Redis %s", (how) => {
  it.each(needing("redis"))("%s", async (name, command) => {
    const port = how === "down" ? 1 : redis.port;
    const result = await run(command, redisAt(port), ["--json"]);
    expect(result.status, result.stderr).toBe(command.without?.redis ?? 1);
    expect(`${result.stdout}${result.stderr}`).toContain(`Redis at 127.0.0.1:${port}`);
    if (result.status === 1) {
      expect(errorOf(result).error).toMatch(/^Could not /);
      if (name.startsWith("apps ")) expect(errorOf(result).error).toContain("--no-wait");
    }
  });

  it("has no part in what does not need it", async () => {
    const port = how === "down" ? 1 : redis.port;
    const { status } = await run({ args: ["validate"], needs: [], well: 0 }, redisAt(port));
    expect(status).toBe(0);
  });
});

/** The commands that ask Redis in ways of their own. */
const ASKING = ["doctor", "nodes", "get", "apps end-overlap", "apps rotate-secret --overlap", "sweep"].map(
  (name) => [name, COMMANDS[name]] as const,
);

// What is tried for one of them adds up: a login at each attempt, one sentinel after the other, a question after the other.
describe.concurrent.each(Object.entries(FAULTY))("Redis: %s", (_, fault) => {
  it.each(ASKING)("%s", async (__, command) => {
    if (!command) throw new Error("expected a command of the table");
    const { status, stdout, stderr } = await run(command, fault.env(), ["--json"]);
    expect(status, stderr).toBe(command.without?.redis ?? 1);
    // The whole of it, where it is something else.
    expect(`${stdout}${stderr}`, stdout).toMatch(fault.says);
  });
});

describe.concurrent.each(["down", "mute"] as const)("DynamoDB %s", (how) => {
  it.each(needing("table"))("%s", async (_, command) => {
    const port = how === "down" ? 1 : dynamodb.port;
    const result = await run(command, tableAt(port), ["--json"]);
    expect(result.status, result.stderr).toBe(command.without?.table ?? 1);
    expect(`${result.stdout}${result.stderr}`).toContain(`DynamoDB at 127.0.0.1:${port}`);
    if (result.status === 1) expect(errorOf(result).error).toMatch(/^Could not /);
  });
});

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nConnection: close\r\n";

/** What DynamoDB answers with, and how that is told. */
const HALF_ANSWERS = {
  "falls silent within an answer": [`${HEAD}Content-Length: 100\r\n\r\n{`, "did not answer (TIMEOUT)"],
  "answers with nothing": [`${HEAD}Content-Length: 0\r\n\r\n`, "answers like another server"],
} as const;

describe.concurrent.each(Object.entries(HALF_ANSWERS))("DynamoDB %s", (_, [answer, says]) => {
  let server: MuteServer;
  beforeAll(async () => {
    server = await startMuteServer(() => answer);
  });
  afterAll(() => server.close());

  it.each(["doctor", "get", "validate", "apps list", "apps disable"].map((name) => [name, COMMANDS[name]]))(
    "%s",
    async (__, command) => {
      if (typeof command !== "object") throw new Error("expected a command of the table");
      const { status, stdout, stderr } = await run(command, tableAt(server.port), ["--json"]);
      expect(status, stderr).toBe(command.without?.table ?? 1);
      expect(`${stdout}${stderr}`).toContain(`DynamoDB at 127.0.0.1:${server.port} ${says}`);
    },
  );
});

describe.concurrent("what serves", () => {
  const away = {
    "Redis is down": () => redisAt(1),
    "Redis is mute": () => redisAt(redis.port),
    "DynamoDB is down": () => tableAt(1),
    "DynamoDB is mute": () => tableAt(dynamodb.port),
  };
  const cases = Object.entries(SERVERS).flatMap(([name, server]) =>
    Object.entries(away).map(([what, where]) => [name, what, server, where] as const),
  );

  it.each(cases)("%s is there while %s, and ends with 0 at Ctrl-C", async (_, __, { args, says }, where) => {
    const result = await cli(args, { env: { ...env, ...where() }, onOutput: interruptOnce(says) });
    expect([result.status, `${result.stdout}${result.stderr}`]).toEqual([0, expect.stringContaining(says)]);
    speaksToUsers(result);
  });

  it("relay ends at once without its table", async () => {
    const result = await cli([...SERVERS.relay.args, "--json"], {
      env: { ...env, APP_MANAGER_DYNAMODB_TABLE: "nowhere" },
    });
    expect(result.status).toBe(5);
    expect(errorOf(result)).toMatchObject({
      code: expect.stringMatching(/^E_/) as string,
      error: expect.stringContaining("nowhere") as string,
    });
  });
});

describe("Ctrl-C", () => {
  it.each(ALL.filter(([, { needs }]) => needs.length > 0))(
    "%s: 130 before it is done",
    async (_, command) => {
      const where = command.needs.includes("table") ? dynamodb : redis;
      const child = spawn(process.execPath, [join(root, "dist/cli.mjs"), ...argsOf(command), "--json"], {
        env: {
          PATH: process.env.PATH,
          AWS_ACCESS_KEY_ID: "local",
          AWS_SECRET_ACCESS_KEY: "local",
          ...env,
          ...command.env,
          ...(where === redis ? redisAt(redis.port) : tableAt(dynamodb.port)),
        },
      });
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      await where.connected();
      child.kill("SIGINT");
      const [status] = (await once(child, "close")) as [number | null];
      expect(status, stderr).toBe(130);
      expect(JSON.parse(stderr.trim().split("\n").at(-1) ?? "")).toEqual({
        error: "interrupted",
        code: "E_INTERRUPTED",
      });
    },
  );

  it("is what SIGTERM is as well, with 143; what goes on until it is ended ends with 0", async () => {
    const ended = async (args: readonly string[], where: Record<string, string>, says: Promise<unknown>) => {
      const child = spawn(process.execPath, [join(root, "dist/cli.mjs"), ...args], {
        env: { PATH: process.env.PATH, ...env, ...where },
      });
      await Promise.race([says, once(child.stdout, "data")]);
      child.kill("SIGTERM");
      return ((await once(child, "close")) as [number | null])[0];
    };
    expect(await ended(["nodes"], redisAt(redis.port), redis.connected())).toBe(143);
    expect(await ended(["nodes", "--watch", "100ms"], {}, new Promise(() => undefined))).toBe(0);
  });

  it("is no yes at a question, and ends with 130", async () => {
    // A terminal is needed to be asked.
    const onTerminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    const args = [process.execPath, join(root, "dist/cli.mjs"), "apps", "delete", "a"];
    const child = spawn("python3", ["-c", onTerminal, ...args], {
      env: { PATH: process.env.PATH, AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local", ...env },
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("[y/N]")) child.stdin.end("\u0003");
    });
    const [status] = (await once(child, "close")) as [number | null];
    expect(status, output).toBe(130);
    expect(output).toContain("interrupted, nothing was done");
    expect(await table.get("a")).toBeDefined();
  });
});

// Not `tail`: what has nothing to say does not find out that nobody reads.
describe("a reader that has read enough", () => {
  it.each(ALL.filter(([name]) => name !== "tail"))(
    "%s: no word of it but of a secret that is lost, and the work is done to its end",
    async (_, command) => {
      await prepare();
      const child = spawn(process.execPath, [join(root, "dist/cli.mjs"), ...argsOf(command)], {
        env: {
          PATH: process.env.PATH,
          AWS_ACCESS_KEY_ID: "local",
          AWS_SECRET_ACCESS_KEY: "local",
          ...env,
          ...command.env,
        },
      });
      child.stdout.destroy();
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      const [status] = (await once(child, "close")) as [number | null];
      speaksToUsers({ stdout: "", stderr });
      if (command.secret) {
        const words =
          /Could not write the new secret of app \w+ to the output: EPIPE\. .* get --secrets \w+$/m;
        expect([status, stderr]).toEqual([1, expect.stringMatching(words)]);
        return;
      }
      expect(stderr).not.toContain("EPIPE");
      expect(status, stderr).toBe(command.well);
    },
  );
});

it("a sweep that leaves something alone says so, and ends with 2", async () => {
  const client = new Redis(inject("redisUrl"));
  const keyPrefix = `${randomUUID()}:`;
  await client.rpush(`${keyPrefix}app:list`, "of another program");
  const swept = { SHARED_CACHE: "evict", DB_REDIS_KEY_PREFIX: keyPrefix };
  const { status, stderr } = await cli(["sweep"], { env: { ...env, ...swept } });
  await client.del(`${keyPrefix}app:list`);
  await client.quit();
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(/^1 key with an entry's name has another type/),
  ]);
});

describe("a disk that is full", () => {
  async function onFullDisk(...args: string[]): Promise<[status: number | null, stderr: string]> {
    const full = openSync("/dev/full", "w");
    const child = spawn(process.execPath, [join(root, "dist/cli.mjs"), ...args], {
      env: { PATH: process.env.PATH, AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local", ...env },
      stdio: ["ignore", full, "pipe"],
    });
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const [status] = (await once(child, "close")) as [number | null];
    closeSync(full);
    return [status, stderr];
  }

  it("is one sentence, and no stack trace", async () => {
    const words = '{"error":"Could not write the output: ENOSPC","code":"ENOSPC"}\n';
    expect(await onFullDisk("apps", "list", "--json")).toEqual([1, words]);
    // What goes on until it is ended ends then.
    expect(await onFullDisk("nodes", "--watch", "100ms", "--json")).toEqual([1, words]);
    expect(await onFullDisk("console", "--port", "0", "--json")).toEqual([1, words]);
  });

  it("does not stop a change half-way: it is announced, and a secret that is lost is named", async () => {
    const client = new Redis(inject("redisUrl"));
    const announced = () => client.xlen("{cli-failures}:v1:log");
    await prepare();
    for (const args of [
      ["rotate-secret", "e"],
      ["rotate-secret", "i", "j", "--json"],
      ["disable", "c"],
    ]) {
      await table.put(item("c"));
      const before = await announced();
      const [status, stderr] = await onFullDisk("apps", ...args, ...WAIT);
      expect([args, status]).toEqual([args, 1]);
      expect(await announced(), stderr).toBeGreaterThan(before);
      if (args[0] === "disable") expect(stderr).toContain("Could not write the output: ENOSPC");
      else expect(stderr).toMatch(/Could not write the new secrets? of apps? .* to the output: ENOSPC/);
    }
    await client.quit();
  });
});

describe("what nobody has confirmed is not done", () => {
  const unconfirmed = async (args: string[], more: Record<string, string>) => {
    const { status, stderr } = await cli([...args, ...WAIT], { env: { ...env, ...more } });
    return [status, stderr];
  };

  it("without Redis, unless it was not to be waited for", async () => {
    await prepare();
    const none = { REDIS_URL: "" };
    const words = expect.stringContaining("written, but not confirmed: no Redis is configured") as string;
    expect(await unconfirmed(["apps", "update", "i", "--set", "MaxConnections=7"], none)).toEqual([3, words]);
    const two = ["apps", "update", "i", "j", "--set", "MaxConnections=8"];
    expect(await unconfirmed(two, none)).toEqual([3, words]);
    expect(await unconfirmed([...two.slice(0, -1), "MaxConnections=9", "--no-wait"], none)).toEqual([0, ""]);
    const got = await cli(["get", "a"], { env: { ...env, ...none } });
    expect([got.status, got.stderr]).toEqual([7, "not checked: nodes: no Redis is configured\n"]);
  });

  it("with a shared cache: a flush and an invalidation do nothing for it", async () => {
    const cached = { SHARED_CACHE: "evict", DB_REDIS_KEY_PREFIX: "cli-failures:" };
    const words = expect.stringContaining("no node is registered to confirm it") as string;
    expect(await unconfirmed(["flush"], cached)).toEqual([3, words]);
    expect(await unconfirmed(["invalidate", "a"], cached)).toEqual([3, words]);
  });
});

it("a key that is given twice is refused", async () => {
  const args = ["apps", "create", "twice", "--key", "one", "--set", "AppKey=two"];
  const { status, stderr } = await cli(args, { env });
  expect([status, stderr]).toEqual([
    1,
    expect.stringContaining("expected --key or --set AppKey=…, found both"),
  ]);
  expect(await table.get("twice")).toBeUndefined();
});

describe.concurrent("--json", () => {
  // Once: a command beside this, between its reading and its writing, would be told that somebody else was first.
  beforeAll(prepare);

  it.each(ALL.filter(([, { endless, well }]) => !endless && well !== 1))(
    "%s: nothing but JSON",
    async (_, command) => {
      const result = await run(command, {}, ["--json"]);
      const atLeast = command.args[0] === "tail" ? 0 : 1;
      expect(jsonLines(result).length, result.stderr).toBeGreaterThanOrEqual(atLeast);
    },
  );
});
