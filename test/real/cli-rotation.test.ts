import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { busNames } from "../../src/protocol/names.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { appIdsIn, messagesIn } from "../support/log-messages.ts";
import { accepts, eventually, type Fleet, item, root, startFleet } from "../support/fleet.ts";

let fleet: Fleet;
let nodes: SoketiNode[];
let env: Record<string, string>;

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  nodes = [await fleet.node(), await fleet.node()];
  env = fleet.commandEnv;
});

afterAll(async () => {
  await fleet.stop();
});

const run = (...args: string[]) => cli(args, { env });
const taken = (id: string, secret: string) => Promise.all(nodes.map((node) => accepts(node, id, secret)));
const BOTH = [true, true];
const NEITHER = [false, false];

interface Rotated {
  readonly secret: string;
  readonly previousSecretUntil?: string;
}

async function rotate(id: string, ...more: string[]): Promise<Rotated & { readonly stderr: string }> {
  const result = await run("apps", "rotate-secret", id, "--json", ...more);
  expect(result.status, result.stderr).toBe(0);
  const [written] = jsonLines<Rotated>(result);
  if (!written) throw new Error("nothing was written");
  return { ...written, stderr: result.stderr };
}

it("rotates with an overlap: both secrets are taken on every node when it returns; get shows who uses the old one", async () => {
  await fleet.table.put(item("both"));
  const before = Date.now();
  const { secret, previousSecretUntil, stderr } = await rotate("both", "--overlap", "2h");
  const until = Date.parse(previousSecretUntil ?? "");
  expect(until).toBeGreaterThanOrEqual(before + 7_200_000);
  expect(until).toBeLessThan(Date.now() + 7_201_000);
  expect(stderr).not.toContain("without --overlap");
  expect(await fleet.table.get("both")).toEqual({
    ...item("both"),
    AppSecret: { S: secret },
    AppSecretPrevious: { S: "both-secret" },
    AppSecretPreviousUntil: { N: String(until / 1_000) },
  });
  for (const one of [secret, "both-secret"]) expect(await taken("both", one)).toEqual(BOTH);

  const [shown] = jsonLines<{ overlap: unknown }>(await run("get", "both", "--json"));
  expect(shown?.overlap).toMatchObject({
    until: previousSecretUntil,
    isOver: false,
    uses: { taken: 2, refused: 0, lastRefusedAt: null },
  });
  const { stdout } = await run("get", "both");
  expect(stdout).toContain(`accepted until ${previousSecretUntil}, by the clock of each node`);
  expect(stdout).toMatch(/used 2 times, last \d+ s ago/);
  expect(stdout + JSON.stringify(shown)).not.toContain("both-secret");

  const ended = await run("apps", "end-overlap", "both");
  expect([ended.status, ended.stdout, ended.stderr]).toEqual([
    0,
    expect.stringContaining("app both has one secret: the previous one is refused"),
    expect.stringMatching(
      /the previous secret was used 2 times, last \d+ s ago: with the overlap ended, it is refused/,
    ),
  ]);
  expect(await taken("both", "both-secret")).toEqual(NEITHER);
  expect(await taken("both", secret)).toEqual(BOTH);
  const again = await run("apps", "end-overlap", "both");
  expect([again.status, again.stderr]).toEqual([1, expect.stringContaining("found none: nothing to end")]);
});

it("lasts as long as was said, whatever this machine's clock says", async () => {
  await fleet.table.put(item("ahead"));
  const ahead = { NODE_OPTIONS: `--require "${join(root, "test/support/clock-90-seconds-ahead.cjs")}"` };
  const rotateAhead = () =>
    cli(["apps", "rotate-secret", "ahead", "--overlap", "60s", "--json"], { env: { ...env, ...ahead } });
  const rotated = await rotateAhead();
  const until = Date.parse(jsonLines<Rotated>(rotated)[0]?.previousSecretUntil ?? "");
  expect(Math.abs(until - Date.now() - 60_000)).toBeLessThan(30_000);
  // For that machine it is over, and for nodes it is not.
  const again = await rotateAhead();
  expect([again.status, again.stderr]).toEqual([1, expect.stringContaining("expected no running overlap")]);
  expect(await taken("ahead", "ahead-secret")).toEqual(BOTH);
});

it("rotates without one: warns, and ends an overlap that runs as well", async () => {
  await fleet.table.put(item("cut"));
  const { secret: first } = await rotate("cut", "--overlap", "1h");
  const { secret, previousSecretUntil, stderr } = await rotate("cut");
  expect(stderr).toContain("without --overlap, nodes refuse the old secret");
  expect(previousSecretUntil).toBeUndefined();
  for (const one of ["cut-secret", first]) expect(await taken("cut", one)).toEqual(NEITHER);
  expect(await taken("cut", secret)).toEqual(BOTH);
  expect(await fleet.table.get("cut")).toEqual({ ...item("cut"), AppSecret: { S: secret } });
});

it("does not rotate with an overlap while another runs, unless it is forced to", async () => {
  await fleet.table.put(item("twice"));
  const { secret: first } = await rotate("twice", "--overlap", "1h");
  const refused = await run("apps", "rotate-secret", "twice", "--overlap", "1h");
  expect([refused.status, refused.stderr]).toEqual([
    1,
    expect.stringMatching(/expected no running overlap, found one until \d{4}-.*Z: .*apps end-overlap twice/),
  ]);
  expect(await taken("twice", "twice-secret")).toEqual(BOTH);
  const { secret } = await rotate("twice", "--overlap", "1h", "--force");
  expect(await taken("twice", "twice-secret")).toEqual(NEITHER);
  for (const one of [first, secret]) expect(await taken("twice", one)).toEqual(BOTH);
});

it("validate and doctor name an overlap that is over, and what still signs with its secret", async () => {
  const until = Math.floor(Date.now() / 1_000) - 60;
  const over = item("over", {
    AppSecretPrevious: { S: "over-before" },
    AppSecretPreviousUntil: { N: String(until) },
  });
  await fleet.table.put(over);
  await eventually("the app", async () => (await taken("over", "over-secret")).every(Boolean));
  expect(await taken("over", "over-before")).toEqual(NEITHER);
  const time = new Date(until * 1_000).toISOString().replace(".000", "");
  const looked = await run("doctor");
  expect(looked.stdout).toContain(`previous secret of over`);
  expect(looked.stdout).toContain(`its overlap ended at ${time}, and 2 uses were refused since`);
  const file = join(tmpdir(), `soketi-app-sync-${randomUUID()}.json`);
  writeFileSync(file, JSON.stringify({ Items: [over] }));
  const checked = await run("validate", file);
  rmSync(file);
  expect(checked.stdout).toContain("overlap-over");
  expect(checked.stdout).toContain(`The overlap ended at ${time}. Remove it: apps end-overlap over.`);
  expect(looked.stdout + checked.stdout).not.toContain("over-before");
});

describe("a file of new secrets that cannot be written", () => {
  /** As on a disk that is full: no file may grow beyond so many blocks of 512 or 1,024 bytes. */
  const limited = async (blocks: number, args: readonly string[]) => {
    const command = `ulimit -f ${blocks}; exec "$@"`;
    const child = spawn("sh", ["-c", command, "sh", process.execPath, join(root, "dist/cli.mjs"), ...args], {
      env: {
        PATH: process.env.PATH,
        NODE_DISABLE_COMPILE_CACHE: "1",
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        ...env,
      },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const [status] = (await once(child, "close")) as [number | null];
    return { status, stdout, stderr };
  };

  const errorOf = (stderr: string) =>
    JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as { readonly error: string; readonly code: string };

  const file = () => {
    const name = join(tmpdir(), `soketi-app-sync-${randomUUID()}.jsonl`);
    onTestFinished(() => rmSync(name, { force: true }));
    return name;
  };

  const secretOf = async (id: string) => (await fleet.table.get(id))?.AppSecret?.S ?? "";

  /** Whose change somebody has announced to the nodes. */
  const announced = async (by: string) => {
    const redis = new Redis(inject("redisUrl"));
    const messages = await messagesIn(redis, busNames(fleet.prefix).log);
    await redis.quit();
    return appIdsIn(messages.filter((one) => one.kind === "changes" && one.message.by === by));
  };

  it("names the app, which has its new secret, and is announced", async () => {
    await fleet.table.put(item("lost"));
    const out = file();
    const args = ["apps", "rotate-secret", "lost", "--overlap", "1h", "--by", "one", "--json", "--out", out];
    const { status, stderr } = await limited(0, args);
    expect(status, stderr).toBe(1);
    const { error, code } = errorOf(stderr);
    expect(code).toBe("E_SECRET_NOT_KEPT");
    expect(error).toContain(`Could not write the new secret of app lost to ${out}: EFBIG`);
    expect(error).toContain("soketi-app-sync get --secrets lost");
    const secret = await secretOf("lost");
    expect(secret).not.toBe("lost-secret");
    expect(await announced("one")).toEqual(["lost"]);
    expect((await run("get", "lost", "--secrets")).stdout).toContain(secret);
  });

  it("of many: each changed app is in the file, or named; it counts as changed, and is announced", async () => {
    const ids = Array.from({ length: 60 }, (_, i) => `full-${i}`);
    await Promise.all(ids.map((id) => fleet.table.put(item(id))));
    const out = file();
    const chosen = ["--all", "--where", "id~^full-", "--yes", "--overlap", "1h"];
    const args = ["apps", "rotate-secret", ...chosen, "--by", "many", "--json", "--out", out];
    const { status, stdout, stderr } = await limited(1, args);
    expect(status, stderr).toBe(1);
    const { error, code } = errorOf(stderr);
    expect(code).toBe("E_SECRET_NOT_KEPT");
    const changed = [];
    for (const id of ids) if ((await secretOf(id)) !== `${id}-secret`) changed.push(id);
    // The last line may be cut short.
    const whole = readFileSync(out, "utf8").split("\n").slice(0, -1);
    const kept = whole.map((line) => (JSON.parse(line) as { appId: string }).appId);
    const named = (/new secrets? of apps? (.*?) to \//.exec(error)?.[1] ?? "").split(", ");
    expect(kept.length).toBeGreaterThan(0);
    expect([...kept, ...named].sort()).toEqual([...changed].sort());
    expect((await announced("many")).sort()).toEqual([...changed].sort());
    const [summary] = jsonLines<{ changed: number; left: number }>({ status, stdout, stderr }).slice(-1);
    expect(summary).toMatchObject({ changed: changed.length, left: ids.length - changed.length });
    expect(summary?.left).toBeGreaterThan(0);
  });
});

it.each(["0s", "31d", "soon"])("an overlap of %s is refused", async (time) => {
  const { status, stderr } = await run("apps", "rotate-secret", "both", "--overlap", time);
  expect([status, stderr]).toEqual([1, expect.stringContaining("Expected a time")]);
});

// Its entry in the registry expires after half a minute: the wait goes on for longer than that.
it("a node that is frozen for all of a long wait is named, and makes the exit code 3", async () => {
  await fleet.table.put(item("frozen"));
  const third = await fleet.node();
  await eventually("its lease", async () => (await third.metrics()).lease_held === 1);
  third.child.signal("SIGSTOP");
  const result = await run("apps", "rotate-secret", "frozen", "--overlap", "1h", "--timeout", "33s");
  third.child.signal("SIGCONT");
  await third.stop();
  expect(result.status, result.stderr).toBe(3);
  expect(result.stdout).toMatch(new RegExp(` ${third.child.pid}: not confirmed`));
  expect(result.stderr).toContain("1 node of 3 did not confirm within 33 s");
});
