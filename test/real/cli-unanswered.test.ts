import { Redis } from "ioredis";
import { beforeEach, describe, expect, inject, it } from "vitest";
import { redisCli, untilTrue } from "../../local/redis-cli.ts";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { eventually, type Fleet, item, startFleet } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();

let server: RedisServer;
let fleet: Fleet;
let node: SoketiNode;
let frozen: SoketiNode;

/** An app in the middle of an overlap, and two nodes. */
beforeEach(async () => {
  server = keep(await startRedis({ args: ["--repl-diskless-sync-delay", "0"] }));
  fleet = keep(await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: server.url }));
  [node, frozen] = [await fleet.node(), await fleet.node()];
  const until = String(Math.ceil(Date.now() / 1_000) + 3_600);
  await fleet.table.put(
    item("acme", { AppSecretPrevious: { S: "former" }, AppSecretPreviousUntil: { N: until } }),
  );
  for (const one of [node, frozen]) {
    await eventually("its lease", async () => (await one.metrics()).lease_held === 1);
  }
});

const run = (args: readonly string[], env = fleet.commandEnv) => cli(args, { env });
const REPLICA = /this Redis is a replica: its data may be old/;

interface Shown {
  readonly notChecked: string[];
  readonly overlap: { readonly uses: unknown };
}

describe("a node that is silent", () => {
  beforeEach(() => {
    frozen.child.signal("SIGSTOP");
    keep({
      stop: () => {
        frozen.child.signal("SIGCONT");
        return Promise.resolve();
      },
    });
  });

  it("was not looked at by get: 7, and its name", async () => {
    const { status, stdout, stderr } = await run(["get", "acme", "--json"]);
    expect(status, stderr).toBe(7);
    const [shown] = jsonLines<Shown>({ status, stdout, stderr });
    const words = expect.stringMatching(
      new RegExp(`^node \\S+ ${frozen.child.pid}: it does not answer$`),
    ) as string;
    expect(shown?.notChecked).toEqual([words]);
    expect(stderr).toMatch(
      new RegExp(`^not checked: node \\S+ ${frozen.child.pid}: it does not answer$`, "m"),
    );
    // Where the app is wrong, or none, that comes first.
    const none = await run(["get", "nobody"]);
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining("it does not answer")]);
  });

  it("may support no overlaps, and may be asked with the previous secret: nobody knows, and it is told", async () => {
    const rotated = await run(["apps", "rotate-secret", "acme", "--overlap", "1h", "--force", "--no-wait"]);
    expect(rotated.status, rotated.stderr).toBe(0);
    expect(rotated.stderr).toMatch(
      new RegExp(
        `not checked whether it supports overlaps: node \\S+ ${frozen.child.pid}: it does not answer`,
      ),
    );
    const ended = await run(["apps", "end-overlap", "acme", "--no-wait"]);
    expect(ended.status, ended.stderr).toBe(0);
    expect(ended.stderr).toMatch(
      new RegExp(
        `not checked who still uses the previous secret: node \\S+ ${frozen.child.pid}: it does not`,
      ),
    );
  });
});

it("a replica is not to have looked at nodes: get and tail end with 7, and what waits says why it waited in vain", async () => {
  const replica = keep(await startRedis({ args: ["--replicaof", "127.0.0.1", `${server.port}`] }));
  await untilTrue("the replica to be in step", async () =>
    (await redisCli(replica.port, "ROLE")).includes("connected"),
  );
  const redis = new Redis(server.url);
  await redis.wait(1, 10_000);
  await redis.quit();
  const env = { ...fleet.commandEnv, REDIS_URL: replica.url };
  const got = await run(["get", "acme", "--json"], env);
  expect(got.status, got.stderr).toBe(7);
  const [shown] = jsonLines<Shown>(got);
  expect(shown?.notChecked[0]).toMatch(REPLICA);
  expect(shown?.notChecked).toHaveLength(3);
  // Nobody has said how often the previous secret was used.
  expect(shown?.overlap.uses).toBeNull();
  const tail = await run(["tail", "--since", "all", "--no-follow"], env);
  expect([tail.status, tail.stderr]).toEqual([7, expect.stringMatching(REPLICA)]);
  const measured = await run(["measure", "--writes", "1", "--timeout", "300ms"], env);
  expect([measured.status, measured.stderr]).toEqual([3, expect.stringMatching(REPLICA)]);
  const ended = await run(["apps", "end-overlap", "acme", "--timeout", "300ms"], env);
  expect([ended.status, ended.stderr]).toEqual([3, expect.stringMatching(REPLICA)]);
  expect(ended.stderr).toContain("not checked who still uses the previous secret: this Redis is a replica");
});

it("without a Redis nobody was asked who still uses the previous secret", async () => {
  const ended = await run(["apps", "end-overlap", "acme"], { ...fleet.commandEnv, REDIS_URL: "" });
  expect(ended.status, ended.stderr).toBe(3);
  expect(ended.stderr).toContain("not checked who still uses the previous secret: no Redis is configured");
});
