import { describe, expect, it } from "vitest";
import { redisCli, untilTrue } from "../../local/redis-cli.ts";
import { type RedisSentinel, startRedisSentinel } from "../../local/redis-sentinel.ts";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import type { RedisSettings } from "../../src/config/redis.ts";
import { BATCH_TIMEOUTS } from "../../src/lambda/open-pipeline.ts";
import { follow } from "../../src/library/index.ts";
import { encodeFlush } from "../../src/protocol/encode.ts";
import { busNames } from "../../src/protocol/names.ts";
import { openRedis } from "../../src/redis/connection.ts";
import { ioredis } from "../../src/redis/ioredis.ts";
import { createRedisLog, type RedisLog } from "../../src/redis/log.ts";
import { openWitnesses } from "../../src/redis/witnesses.ts";
import { eventually } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();
const PREFIX = "{one}";
const names = busNames(PREFIX);
const FLUSH = encodeFlush("a test", 0);
const LIMITS = { logLength: 1_000, logBytes: 2 ** 20 };
const COMMON = { db: 0, tls: false };

function sentinelSettings({ sentinels, name }: RedisSentinel, only = sentinels): RedisSettings {
  const list = only.map((one) => ({ host: "127.0.0.1", port: Number(one.split(":")[1]) }));
  return { kind: "sentinel", sentinels: list, name, ...COMMON };
}

const standalone = (port: number): RedisSettings => ({
  kind: "standalone",
  host: "127.0.0.1",
  port,
  ...COMMON,
});

function openLog(settings: RedisSettings, { minReplicas = 0, guarded = true } = {}): RedisLog {
  const options = { library: ioredis, settings, timeouts: BATCH_TIMEOUTS, onError: () => undefined };
  const connection = openRedis(options);
  const limitMs = BATCH_TIMEOUTS.commandMs;
  const witnesses = openWitnesses({ ...options, key: names.log, minReplicas, limitMs });
  keep({
    stop: () => {
      connection.disconnect();
      witnesses.close();
      return Promise.resolve();
    },
  });
  return createRedisLog(connection, names, LIMITS, guarded ? witnesses.of(connection) : undefined);
}

function startFollower(redis: RedisSettings, minReplicas = 0) {
  const flushes: string[] = [];
  const errors: unknown[] = [];
  const follower = follow({
    redis,
    prefix: PREFIX,
    minReplicas,
    heartbeatMs: 300,
    leaseMs: 1_000,
    onFlush: (reason) => void flushes.push(reason),
    onError: (error) => void errors.push(error),
  });
  keep({ stop: () => follower.close() });
  return { follower, flushes, errors };
}

const lengthAt = async ({ port }: RedisServer) => Number(await redisCli(port, "XLEN", names.log));

describe("two masters behind sentinels", () => {
  it("do not both take messages: the one that was replaced is left, though it takes writes", async () => {
    const setup = keep(await startRedisSentinel({ stubborn: true }));
    const settings = sentinelSettings(setup);
    const log = openLog(settings);
    const unguarded = openLog(settings, { guarded: false });
    await log.append([FLUSH]);
    await unguarded.append([FLUSH]);
    const former = await setup.replace();
    const now = await setup.master();
    // What happens without: taken by a server that nobody will read.
    await unguarded.append([FLUSH]);
    expect(await lengthAt(former)).toBe(3);
    await expect(log.append([FLUSH])).rejects.toMatchObject({ code: "OTHER_PRIMARY" });
    const id = await log.append([FLUSH]);
    expect(await redisCli(now.port, "XREVRANGE", names.log, "+", "-", "COUNT", "1")).toContain(id);
    expect(await lengthAt(former)).toBe(3);
  });

  it("do not both give leases", async () => {
    const setup = keep(await startRedisSentinel({ stubborn: true }));
    // With a log before, a message that its subscription misses is replayed, and not covered by the flush of a new log.
    await openLog(sentinelSettings(setup)).append([FLUSH]);
    const { follower, flushes } = startFollower(sentinelSettings(setup));
    await follower.ready;
    await setup.replace();
    await eventually("the flush", () => Promise.resolve(flushes.includes("server-changed")));
    await eventually("a lease of the new master's", () => Promise.resolve(follower.fresh));
    const log = openLog(sentinelSettings(setup));
    await log.append([FLUSH]);
    await eventually("a message of the new master's", () => Promise.resolve(flushes.includes("requested")));
  });
});

describe("the sentinels' majority", () => {
  it("is one of all of them, though only one was named", async () => {
    const setup = keep(await startRedisSentinel());
    const log = openLog(sentinelSettings(setup, setup.sentinels.slice(0, 1)));
    await log.append([FLUSH]);
    for (const watcher of setup.watchers.slice(1)) watcher.signal("SIGSTOP");
    await expect(log.append([FLUSH])).rejects.toMatchObject({
      code: "NO_MAJORITY",
      reason: expect.stringMatching(/of 3, 1 name 127\.0\.0\.1:\d+ in epoch 0/) as string,
    });
    for (const watcher of setup.watchers.slice(1)) watcher.signal("SIGCONT");
    await eventually("the others' answers", () =>
      log.append([FLUSH]).then(
        () => true,
        () => false,
      ),
    );
  });

  it("holds up nothing where one of three is silent, and nothing is proven where two are", async () => {
    const setup = keep(await startRedisSentinel());
    const log = openLog(sentinelSettings(setup));
    const { follower, errors } = startFollower(sentinelSettings(setup));
    await follower.ready;
    await log.append([FLUSH]);
    setup.watchers[0]?.signal("SIGSTOP");
    for (let i = 0; i < 5; i += 1) await log.append([FLUSH]);
    expect(follower.fresh).toBe(true);
    setup.watchers[1]?.signal("SIGSTOP");
    await eventually("the lease to end", () => Promise.resolve(!follower.fresh));
    expect(errors.map(String)).toContainEqual(expect.stringMatching(/majority of its sentinels/));
    for (const watcher of setup.watchers.slice(0, 2)) watcher.signal("SIGCONT");
    await eventually("the lease to be back", () => Promise.resolve(follower.fresh));
  });
});

describe("sentinels that are listed more than once", () => {
  const at = (address: string, host = "127.0.0.1") => ({ host, port: Number(address.split(":")[1]) });
  const listing = (setup: RedisSentinel, sentinels: readonly { host: string; port: number }[]) =>
    ({ kind: "sentinel", sentinels, name: setup.name, ...COMMON }) satisfies RedisSettings;

  it("have one vote each, and count once: also by another name", async () => {
    const setup = keep(await startRedisSentinel({ count: 1 }));
    const [only = ""] = setup.sentinels;
    const names = ["127.0.0.1", "localhost", "LOCALHOST"].map((host) => at(only, host));
    for (const sentinels of [[at(only), at(only)], names]) {
      const settings = { ...listing(setup, sentinels), family: 4 };
      await openLog(settings).append([FLUSH]);
      const { follower } = startFollower(settings);
      await follower.ready;
      expect(follower.fresh).toBe(true);
    }
  });

  it("need a majority of all that there are, and no more", async () => {
    const setup = keep(await startRedisSentinel());
    const [first = "", second = "", third = ""] = setup.sentinels;
    const whole = openLog(
      listing(
        setup,
        [first, second, third, first].map((one) => at(one)),
      ),
    );
    // The third is known from the others: it counts too.
    const part = openLog(
      listing(
        setup,
        [first, first, second].map((one) => at(one)),
      ),
    );
    for (const log of [whole, part]) await log.append([FLUSH]);
    setup.watchers[2]?.signal("SIGSTOP");
    for (const log of [whole, part]) await log.append([FLUSH]);
    setup.watchers[1]?.signal("SIGSTOP");
    for (const log of [whole, part])
      await expect(log.append([FLUSH])).rejects.toMatchObject({
        code: "NO_MAJORITY",
        reason: expect.stringContaining("of 3, 1 name") as string,
      });
    for (const watcher of setup.watchers.slice(1)) watcher.signal("SIGCONT");
  });
});

describe("a cluster's majority", () => {
  it("names the slot's owner, and its replica once that has taken over", async () => {
    const setup = keep(await startRedisCluster());
    const nodes = setup.nodes.map((one) => ({ host: "127.0.0.1", port: Number(one.split(":")[1]) }));
    const settings: RedisSettings = { kind: "cluster", nodes, tls: false };
    const log = openLog(settings);
    await log.append([FLUSH]);
    const { follower, flushes } = startFollower(settings);
    await follower.ready;
    await setup.failover(names.log);
    await eventually("the new owner to take messages", () =>
      log.append([FLUSH]).then(
        () => true,
        () => false,
      ),
    );
    await eventually("a flush", () => Promise.resolve(flushes.includes("server-changed")));
    await eventually("the lease to be back", () => Promise.resolve(follower.fresh));
  });
});

describe("APP_SYNC_MIN_REPLICAS", () => {
  it("has neither messages nor heartbeats count that too few replicas have", async () => {
    const args = ["--repl-diskless-sync-delay", "0"];
    const primary = keep(await startRedis({ args }));
    const replica = keep(
      await startRedis({ args: [...args, "--replicaof", "127.0.0.1", `${primary.port}`] }),
    );
    const inStep = () =>
      untilTrue("the replica to be in step", async () =>
        (await redisCli(replica.port, "ROLE")).includes("connected"),
      );
    await inStep();
    const settings = standalone(primary.port);
    const log = openLog(settings, { minReplicas: 1 });
    const { follower, errors } = startFollower(settings, 1);
    const inTime = () =>
      log.append([FLUSH]).then(
        () => true,
        () => false,
      );
    // On a busy machine a replica may take longer than the 250 ms that it has.
    await eventually("a message that the replica has in time", inTime);
    await follower.ready;
    const demanding = openLog(settings, { minReplicas: 2 });
    // A busy one is not found at first, either.
    await eventually("a refusal that counts the one replica", async () => {
      const error: unknown = await demanding.append([FLUSH]).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "FEW_REPLICAS" });
      return (error as { reason?: unknown }).reason === "expected 2, found 1 within 250 ms";
    });
    await redisCli(replica.port, "REPLICAOF", "NO", "ONE");
    await expect(log.append([FLUSH])).rejects.toMatchObject({ code: "FEW_REPLICAS" });
    // Without it, the primary that was left takes everything.
    await openLog(settings).append([FLUSH]);
    await eventually("the lease to end", () => Promise.resolve(!follower.fresh));
    // Each time it reconnects as well: what was under way then has an error of its own.
    expect(errors.map(String)).toContainEqual(expect.stringMatching(/enough replicas: expected 1, found 0/));
    await redisCli(replica.port, "REPLICAOF", "127.0.0.1", `${primary.port}`);
    await inStep();
    await eventually("the lease to be back", () => Promise.resolve(follower.fresh));
    await eventually("a message that the replica has in time", inTime);
  });
});
