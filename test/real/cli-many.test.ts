import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { busNames } from "../../src/protocol/names.ts";
import { cli, type CliOptions, interruptOnce, jsonLines } from "../support/cli.ts";
import { messagesIn } from "../support/log-messages.ts";
import { accepts, eventually, type Fleet, item, outcomeOfConnecting, startFleet } from "../support/fleet.ts";
import { putAll } from "../support/many-apps.ts";

/** As the promise has it: docs/reference/benchmarks.md has the time. */
const MANY = 500;

let fleet: Fleet;
let nodes: SoketiNode[];
let env: Record<string, string>;
let folder: string;
let redis: Redis;

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  nodes = [await fleet.node(), await fleet.node()];
  folder = await mkdtemp(join(tmpdir(), "app-sync-many-"));
  redis = new Redis(inject("redisUrl"));
  env = fleet.commandEnv;
});

afterAll(async () => {
  await fleet.stop();
  await redis.quit();
  await rm(folder, { recursive: true });
});

const apps = (args: readonly string[], options: CliOptions = {}) =>
  cli(["apps", ...args], { env, ...options });
const put = (...ids: string[]) =>
  putAll(
    inject("dynamodbEndpoint"),
    fleet.table.name,
    ids.map((id) => item(id)),
  );

interface Line {
  readonly appId?: string;
  readonly type?: string;
  readonly changed?: string[];
  readonly secret?: string;
  readonly code?: string;
  readonly apps?: number;
  readonly failed?: number;
  readonly left?: number;
  readonly nodes?: { readonly confirmedAfterMs: number | null }[];
}

async function outcomes(...ids: string[]): Promise<unknown[]> {
  const each = ids.flatMap((id) => nodes.map((node) => outcomeOfConnecting(node, `${id}-key`)));
  return [...new Set(await Promise.all(each))];
}

describe("several apps", () => {
  it("are changed together; nodes are waited for once, and have all of it", async () => {
    await put("a-1", "a-2", "a-3");
    expect(await outcomes("a-1", "a-2", "a-3")).toEqual(["connected"]);
    const result = await apps(["disable", "a-1", "a-2", "a-3", "a-1", "--json"]);
    expect(result.status, result.stderr).toBe(0);
    const lines = jsonLines<Line>(result);
    const changed = lines.filter(({ appId }) => appId !== undefined);
    expect(changed.map(({ appId }) => appId).sort()).toEqual(["a-1", "a-2", "a-3"]);
    expect(changed.map(({ type, changed: paths }) => [type, paths])).toEqual(
      changed.map(() => ["updated", ["enabled"]]),
    );
    expect(lines.at(-1)).toMatchObject({ apps: 3, changed: 3, unchanged: 0, failed: 0, left: 0 });
    expect(lines.at(-1)?.nodes?.map(({ confirmedAfterMs }) => typeof confirmedAfterMs)).toEqual([
      "number",
      "number",
    ]);
    expect(await outcomes("a-1", "a-2", "a-3")).toEqual([4003]);
    const people = await apps(["enable", "a-1", "a-2"]);
    expect(people.stdout).toContain("app a-1 is enabled: clients may connect\n");
    expect(people.stdout).toContain("2 apps: 2 changed\n");
    expect(people.stdout).toContain("in effect on 2 nodes");
    expect(people.stderr).toBe("");
  });

  it("of a shared cache are done when the function has told of them: an announcement is not enough", async () => {
    await put("s-1", "s-2");
    const cached = { SHARED_CACHE: "evict", DB_REDIS_KEY_PREFIX: `${fleet.table.name}:` };
    const told = await apps(["disable", "s-1", "s-2"], { env: { ...env, ...cached } });
    expect([told.status, told.stderr]).toEqual([0, ""]);
    expect(told.stdout).toContain("in effect on 2 nodes");
    // Where no function publishes.
    const nobody = { ...env, ...cached, APP_SYNC_PREFIX: "{nobody}" };
    const untold = await apps(["enable", "s-1", "s-2", "--timeout", "300ms"], { env: nobody });
    expect(untold.status).toBe(3);
    expect(untold.stderr).toContain("written, but no message about it arrived within 0.3 s");
    expect((await fleet.table.get("s-1"))?.Enabled).toEqual({ BOOL: true });
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("are told when the wait for nodes is interrupted by %s", async (signal, code) => {
    await put("w-1", "w-2");
    const third = await fleet.node();
    await eventually("its lease", async () => (await third.metrics()).lease_held === 1);
    third.child.signal("SIGSTOP");
    const started = performance.now();
    const onOutput = interruptOnce("2 changed", signal);
    const result = await apps(["disable", "w-1", "w-2", "--timeout", "1m"], { onOutput });
    third.child.signal("SIGCONT");
    await third.stop();
    expect([result.status, result.stderr]).toEqual([
      code,
      "soketi-app-sync: interrupted: not every node has confirmed what is written\n",
    ]);
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(await outcomes("w-1", "w-2")).toEqual([4003]);
  });

  it("that cannot be changed are named, and do not stop the others: 2; when none can be: 1", async () => {
    await put("b-1", "b-2");
    const zero = ["--set", "MaxConnections=0"];
    const some = await apps(["disable", "b-1", "nobody", "b-2"]);
    expect(some.status).toBe(2);
    expect(some.stdout).toContain("app nobody: expected app nobody in the table, found none");
    expect(some.stdout).toContain("3 apps: 2 changed, 1 refused\n");
    expect(await outcomes("b-1", "b-2")).toEqual([4003]);
    const none = await apps(["update", "b-1", "b-2", ...zero, "--json"]);
    expect(none.status).toBe(1);
    expect(jsonLines<Line>(none).map(({ code, failed }) => code ?? failed)).toEqual([
      "E_CHANGE_REFUSED",
      "E_CHANGE_REFUSED",
      2,
    ]);
    expect(await fleet.table.get("b-1")).not.toHaveProperty("MaxConnections");
  });

  it("chosen by conditions: asked for, shown by a dry run, changed with --yes, and no others", async () => {
    await put("c-1", "c-2", "d-1");
    const chosen = ["disable", "--all", "--where", "id~^c-", "--where", "enabled"];
    const unasked = await apps(chosen);
    expect([unasked.status, unasked.stderr]).toEqual([1, "nothing was changed: confirm, or pass --yes\n"]);
    expect((await apps([...chosen, "--json"])).stderr).toBe(
      '{"error":"nothing was changed: confirm, or pass --yes","code":"E_CHANGE_REFUSED"}\n',
    );
    const dry = await apps([...chosen, "--dry-run"]);
    expect(dry.status).toBe(0);
    expect(dry.stdout).toContain("app c-1 would be updated: enabled=false\n");
    expect(dry.stdout).toContain("2 apps: 2 would change\nnothing was written\n");
    expect(await fleet.table.get("c-1")).toEqual(item("c-1"));
    const done = await apps([...chosen, "--yes"]);
    expect(done.status, done.stderr).toBe(0);
    expect(await outcomes("c-1", "c-2")).toEqual([4003]);
    expect(await outcomes("d-1")).toEqual(["connected"]);
    const again = await apps([...chosen, "--yes"]);
    expect([again.status, again.stdout]).toEqual([0, "no app matches: nothing to change\n"]);
    const invalidated = await cli(["invalidate", "--all", "--where", "id~^c-", "--yes"], { env });
    expect([invalidated.status, invalidated.stdout]).toEqual([
      0,
      expect.stringContaining("in effect on 2 nodes"),
    ]);
    const gone = await apps(["delete", "--all", "--where", "id~^c-", "--yes"]);
    expect(gone.status, gone.stderr).toBe(0);
    expect(await outcomes("c-1", "c-2")).toEqual([4001]);
    expect(await fleet.table.get("d-1")).toBeDefined();
  });

  it.each([
    [["disable"], /expected ids of apps, or --all; found neither/],
    [["disable", "d-1", "--all"], /expected ids of apps, or --all; found 1 id and --all/],
    [["disable", "--where", "enabled"], /--where: expected --all beside it/],
    [["disable", "--all", "--where", "secret=1"], /--where: expected one of id/],
    [["update", "a", "b", "--set", "AppKey=k"], /expected what several apps may share, found AppKey/],
    [["update", "a", "b"], /expected --set Name=value or --unset Name/],
    [["rotate-key", "a", "b", "--key", "k"], /--key: expected one app, found several/],
    [["rotate-secret", "a", "b"], /expected --out FILE or --json with several apps/],
  ])("%s is refused before anything is read", async (args, message) => {
    const { status, stdout, stderr } = await apps(args);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
  });
});

// What the first leaves the second begins with.
describe(`${MANY} rotations`, { shuffle: false }, () => {
  const ids = Array.from({ length: MANY }, (_, i) => `many-${i}`);
  const chosen = ["--all", "--where", "id~^many-", "--yes"];
  const messages = async () =>
    (await messagesIn(redis, busNames(fleet.prefix).log)).flatMap((decoded) =>
      decoded.kind === "changes" && decoded.message.by === "the test" ? [decoded.message] : [],
    );

  it("lose none: each secret is in the file and in the table, and every node takes it and the one before", async () => {
    await put(...ids);
    const out = join(folder, "secrets.jsonl");
    const result = await apps([
      "rotate-secret",
      ...chosen,
      "--overlap",
      "1h",
      "--out",
      out,
      "--by",
      "the test",
      "--json",
    ]);
    expect(result.status, result.stderr).toBe(0);
    const lines = jsonLines<Line>(result);
    expect(lines.at(-1)).toMatchObject({ apps: MANY, changed: MANY, failed: 0, left: 0 });
    expect(result.stdout).not.toMatch(/"secret":"/);
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    const told = new Map(
      (await readFile(out, "utf8"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { appId: string; secret: string })
        .map(({ appId, secret }) => [appId, secret]),
    );
    expect([...told.keys()].sort()).toEqual([...ids].sort());
    const left = [...ids];
    // A few at a time: a node closes connections of which it has too many.
    const look = async () => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        const secret = told.get(id) ?? "";
        const stored = await fleet.table.get(id);
        expect([stored?.AppSecret?.S, stored?.AppSecretPrevious?.S]).toEqual([secret, `${id}-secret`]);
        for (const node of nodes) {
          expect(await accepts(node, id, secret), id).toBe(true);
          expect(await accepts(node, id, `${id}-secret`), id).toBe(true);
        }
      }
    };
    await Promise.all(Array.from({ length: 4 }, look));
    // Many changes to a message, and never more than a message holds.
    const announced = await messages();
    expect(announced.flatMap(({ changes }) => changes.map(({ appId }) => appId)).sort()).toEqual(
      [...ids].sort(),
    );
    expect(announced.length).toBeLessThan(MANY / 2);
    expect(Math.max(...announced.map(({ changes }) => changes.length))).toBeLessThanOrEqual(100);
  });

  it("interrupted, are told, and go on where they were", async () => {
    const left = ["--all", "--where", "id~^many-", "--where", "previousSecretUntil", "--yes", "--json"];
    const first = await apps(["end-overlap", ...left], {
      onOutput: interruptOnce("appId"),
    });
    expect(first.status, first.stderr).toBe(130);
    expect(first.stderr).toContain("stopping after the apps in progress ...");
    const [done] = jsonLines<Line>(first).slice(-1);
    expect(done?.left).toBeGreaterThan(0);
    const second = await apps(["end-overlap", ...left]);
    expect(second.status, second.stderr).toBe(0);
    const ended = [first, second].flatMap((one) => jsonLines<Line>(one).flatMap(({ appId }) => appId ?? []));
    expect([...ended].sort()).toEqual([...ids].sort());
    for (const id of [ids[0] ?? "", ids.at(-1) ?? ""]) {
      expect(await fleet.table.get(id)).not.toHaveProperty("AppSecretPrevious");
      for (const node of nodes) expect(await accepts(node, id, `${id}-secret`)).toBe(false);
    }
  });

  it("without a file that is new, change nothing", async () => {
    const out = join(folder, "there.jsonl");
    await writeFile(out, "");
    const before = await fleet.table.get("many-0");
    const { status, stderr } = await apps(["rotate-secret", ...chosen, "--out", out]);
    expect([status, stderr]).toEqual([1, expect.stringContaining("found that it exists: choose another")]);
    expect(await fleet.table.get("many-0")).toEqual(before);
    const dry = await apps(["rotate-secret", ...chosen, "--dry-run", "--json"]);
    expect(dry.stdout).not.toMatch(/"secret":"/);
    expect(await fleet.table.get("many-0")).toEqual(before);
  });
});
