import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { redisCli, untilTrue } from "../../local/redis-cli.ts";
import { startRedis } from "../../local/redis-server.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import { BATCH_TIMEOUTS } from "../../src/lambda/open-pipeline.ts";
import { follow } from "../../src/library/index.ts";
import { encodeFlush } from "../../src/protocol/encode.ts";
import { formatMessageId } from "../../src/protocol/message-id.ts";
import { busNames } from "../../src/protocol/names.ts";
import { openRedis } from "../../src/redis/connection.ts";
import { ioredis } from "../../src/redis/ioredis.ts";
import { createFleet } from "../../src/redis/fleet.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { Observer } from "../../src/console/observer.ts";
import { cli } from "../support/cli.ts";
import { eventually } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();
const PREFIX = "{moved}";
const names = busNames(PREFIX);
const FLUSH = encodeFlush("a test", 0);
const LIMITS = { logLength: 1_000, logBytes: 2 ** 20 };

/** A primary and its replica, behind one address as a virtual one, HAProxy or a name in DNS is. */
async function startPair() {
  const args = ["--repl-diskless-sync-delay", "0"];
  const primary = keep(await startRedis({ args }));
  const replica = keep(await startRedis({ args: [...args, "--replicaof", "127.0.0.1", `${primary.port}`] }));
  await untilTrue("the replica to be in step", async () =>
    (await redisCli(replica.port, "ROLE")).includes("connected"),
  );
  const proxy = await startProxy({ host: "127.0.0.1", port: primary.port });
  const address = keep({ ...proxy, stop: () => proxy.close() });
  return {
    primary,
    replica,
    address,
    /** As Sentinel, or an operator, does it: the replica is promoted, and the primary becomes its replica. */
    swap: async () => {
      await redisCli(replica.port, "REPLICAOF", "NO", "ONE");
      await redisCli(primary.port, "REPLICAOF", "127.0.0.1", `${replica.port}`);
    },
    move: () => address.leadTo({ host: "127.0.0.1", port: replica.port }),
  };
}

function openLog(port: number) {
  const connection = openRedis({
    library: ioredis,
    settings: { kind: "standalone", host: "127.0.0.1", port, db: 0, tls: false },
    timeouts: BATCH_TIMEOUTS,
    onError: () => undefined,
  });
  keep({
    stop: () => {
      connection.disconnect();
      return Promise.resolve();
    },
  });
  return createRedisLog(connection, names, LIMITS);
}

describe("an address that moves from a demoted primary", () => {
  it.each([0, 3])(
    "is followed by the function, whether %i batches failed before it moved",
    async (before) => {
      const { replica, address, swap, move } = await startPair();
      const log = openLog(address.port);
      await log.append([FLUSH]);
      await swap();
      for (let i = 0; i < before; i += 1)
        await expect(log.append([FLUSH])).rejects.toMatchObject({ code: "READONLY" });
      move();
      // One batch at most finds out.
      if (before === 0) await expect(log.append([FLUSH])).rejects.toMatchObject({ code: "READONLY" });
      const id = await log.append([FLUSH]);
      expect(await redisCli(replica.port, "XREVRANGE", names.log, "+", "-", "COUNT", "1")).toContain(id);
    },
  );

  it.each(["min-replicas-to-write", "a primary that is away"])(
    "also from one that is cut off by %s",
    async (how) => {
      const { primary, replica, address, move } = await startPair();
      const log = openLog(address.port);
      await log.append([FLUSH]);
      await redisCli(replica.port, "REPLICAOF", "NO", "ONE");
      if (how === "a primary that is away") await redisCli(primary.port, "REPLICAOF", "127.0.0.1", "1");
      else await redisCli(primary.port, "CONFIG", "SET", "min-replicas-to-write", "1");
      move();
      await expect(log.append([FLUSH])).rejects.toMatchObject({
        code: how === "a primary that is away" ? "READONLY" : "NOREPLICAS",
      });
      await log.append([FLUSH]);
    },
  );

  it("is followed by an agent, with both of its connections", async () => {
    const { primary, replica, address, swap, move } = await startPair();
    // With a log before, a message that its subscription misses is replayed, and not covered by the flush of a new log.
    await openLog(address.port).append([FLUSH]);
    await untilTrue("the replica to have it", async () =>
      (await redisCli(replica.port, "XLEN", names.log)).startsWith("1"),
    );
    const flushes: string[] = [];
    const follower = follow({
      redis: `redis://127.0.0.1:${address.port}`,
      prefix: PREFIX,
      heartbeatMs: 100,
      onFlush: (reason) => void flushes.push(reason),
      onError: () => undefined,
    });
    keep({ stop: () => follower.close() });
    await follower.ready;
    await swap();
    move();
    await eventually("the flush", () => Promise.resolve(flushes.includes("server-changed")));
    await eventually("a lease of the new primary's", () => Promise.resolve(follower.fresh));
    // The former primary would pass on what the new one publishes; nothing is left of it all the same.
    const subscribers = (port: number) => redisCli(port, "PUBSUB", "NUMSUB", names.live);
    await eventually("the subscription to have moved", async () => {
      const [former, now] = await Promise.all([primary, replica].map(({ port }) => subscribers(port)));
      return former?.trim().endsWith("0") === true && now?.trim().endsWith("1") === true;
    });
    // What comes before it has agreed with the new one is told by a flush for another reason.
    await eventually("a lease with that subscription", () => Promise.resolve(follower.fresh));
    const admin = new Redis(replica.port);
    keep({
      stop: () => {
        admin.disconnect();
        return Promise.resolve();
      },
    });
    await createRedisLog(admin, names, LIMITS).append([FLUSH]);
    await eventually("a message of the new primary's", () => Promise.resolve(flushes.includes("requested")));
  });
});

/** Nothing but reads goes over their connections, and a replica answers those. */
describe("whoever only reads", () => {
  async function demoted() {
    const pair = await startPair();
    const admin = new Redis(pair.replica.port);
    const reader = openRedis({
      library: ioredis,
      settings: { kind: "standalone", host: "127.0.0.1", port: pair.address.port, db: 0, tls: false },
      timeouts: { connectMs: 1_000, commandMs: 2_000, retriesPerCommand: 1 },
      onError: () => undefined,
    });
    keep({
      stop: () => {
        admin.disconnect();
        reader.disconnect();
        return Promise.resolve();
      },
    });
    const log = createRedisLog(admin, names, LIMITS);
    return {
      ...pair,
      fleet: createFleet(reader, names),
      /** The former one does not even get what the new one has. */
      demote: async () => {
        await redisCli(pair.replica.port, "REPLICAOF", "NO", "ONE");
        await redisCli(pair.primary.port, "REPLICAOF", "127.0.0.1", "1");
      },
      flush: () => log.append([FLUSH]),
      env: { REDIS_URL: `redis://127.0.0.1:${pair.address.port}`, APP_SYNC_PREFIX: PREFIX },
    };
  }

  it("leaves the former primary, and knows until then that it reads from a replica", async () => {
    const { fleet, demote, move, flush } = await demoted();
    expect(await fleet.tail()).toBeUndefined();
    expect(fleet.readsReplica).toBe(false);
    await demote();
    const id = await flush();
    await eventually("the replica to be noticed", async () => {
      expect(await fleet.tail()).toBeUndefined();
      return fleet.readsReplica;
    });
    move();
    await eventually("the new primary's log", async () => (await fleet.tail()) !== undefined);
    expect(fleet.readsReplica).toBe(false);
    expect((await fleet.messages()).map((entry) => formatMessageId(entry.id))).toEqual([id]);
  });

  it("is told so by `tail`, which goes on with the new primary", async () => {
    const { env, demote, move, flush } = await demoted();
    const steps = [
      ["this Redis is a replica", move],
      ["this is the primary now", () => void flush()],
    ] as const;
    let shown = "";
    let done = 0;
    await demote();
    const { stdout, stderr } = await cli(["tail"], {
      env,
      onOutput(text, kill) {
        shown += text;
        for (const [words, act] of steps.slice(done))
          if (shown.includes(words)) {
            done += 1;
            act();
          }
        if (shown.includes("flush")) kill("SIGINT");
      },
    });
    expect(stderr).toContain("this is the primary now");
    expect(stdout).toContain("a test");
  });

  it("is told so by `nodes`, `tail --no-follow` and `doctor`, which are not well then", async () => {
    const { env, demote } = await demoted();
    await demote();
    const nodes = await cli(["nodes"], { env });
    expect(nodes.stderr).toContain("this Redis is a replica");
    expect(nodes.status).not.toBe(0);
    // What it says may be old: that is not to have looked.
    const tail = await cli(["tail", "--since", "all", "--no-follow"], { env });
    expect([tail.status, tail.stderr]).toEqual([7, expect.stringContaining("this Redis is a replica")]);
    const doctor = await cli(["doctor"], { env });
    expect(doctor.stdout).toContain("this is a slave");
    expect(doctor.status).not.toBe(0);
  });

  it("is told so by the console, until it has the new primary", async () => {
    const { fleet, demote, move, flush } = await demoted();
    const observer = new Observer(fleet);
    await observer.follow();
    await demote();
    await flush();
    const follow = () =>
      observer.follow().then(
        (rows) => rows.length,
        (error: unknown) => (error as { code?: string }).code,
      );
    await eventually("the console to say so", async () => (await follow()) === "E_REPLICA");
    move();
    await eventually("the message of the new primary", async () => (await follow()) === 1);
  });
});
