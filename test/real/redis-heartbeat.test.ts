import { Redis } from "ioredis";
import { beforeEach, describe, expect, it } from "vitest";
import { startRedis } from "../../local/redis-server.ts";
import { formatMessageId, type MessageId } from "../../src/protocol/message-id.ts";
import { busNames } from "../../src/protocol/names.ts";
import { createRedisBus, type RedisBus } from "../../src/redis/bus.ts";
import { createRedisLog, type RedisLog } from "../../src/redis/log.ts";
import { eventually } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();
const names = busNames("{a}");

let admin: Redis;
let log: RedisLog;
let bus: RedisBus;

beforeEach(async () => {
  const server = keep(await startRedis());
  admin = new Redis({ port: server.port });
  admin.on("error", () => undefined);
  keep({
    stop: () => {
      admin.disconnect();
      return Promise.resolve();
    },
  });
  log = createRedisLog(admin, names, { logLength: 10_000, logBytes: 2 ** 25 });
  bus = createRedisBus(admin, names, {
    node: "n",
    entry: () => "{}",
    limitMs: 5_000,
    resubscribe: () => undefined,
    onAnonymous: (error) => {
      throw error;
    },
  });
});

const message = (bytes: number) => ({ whole: "x".repeat(bytes), live: "thin" });
const tail = async () => {
  const { last } = await bus.heartbeat();
  return last && formatMessageId(last);
};

/** As a pipeline that does not know the hash with the log's end. */
async function appendOld(): Promise<string> {
  const [newest] = await admin.xrevrange(names.log, "+", "-", "COUNT", 1);
  const [epoch = "", seq = ""] = newest?.[0].split("-") ?? [];
  const id = `${epoch}-${Number(seq) + 1}`;
  await admin.xadd(names.log, "MAXLEN", "~", 10_000, id, "m", "{}");
  return id;
}

/** Which commands one heartbeat makes Redis run. */
async function commandsOf(): Promise<string[]> {
  const own = admin.duplicate();
  const monitor = await own.monitor();
  const seen: string[][] = [];
  monitor.on("monitor", (_time: string, args: string[]) => seen.push(args));
  await bus.heartbeat();
  await admin.echo("end");
  await eventually("the last command", () => Promise.resolve(seen.some(([name]) => name === "echo")));
  monitor.disconnect();
  own.disconnect();
  return seen.map(([name = ""]) => name.toLowerCase());
}

describe("a heartbeat", () => {
  it("finds nothing where there is no log, and the last message where there is one", async () => {
    expect(await tail()).toBeUndefined();
    const first = await log.append([message(2), message(2)]);
    expect(await tail()).toBe(first);
    const next = await log.append([message(70_000)]);
    expect(await tail()).toBe(next);
  });

  it("does not read the log's entries, whatever they weigh", async () => {
    await log.append([message(60_000), message(60_000)]);
    const commands = await commandsOf();
    expect(commands).toContain("xlen");
    expect(commands).not.toContain("xinfo");
    expect(commands).not.toContain("xrevrange");
    await admin.del(names.last);
    expect(await commandsOf()).toContain("xinfo");
  });

  it.each<[string, (last: MessageId) => Promise<string | undefined>]>([
    ["an older pipeline appended", () => appendOld()],
    [
      "an older pipeline appended, and something was trimmed meanwhile, so that the length is the same",
      async () => {
        const id = await appendOld();
        await admin.xtrim(names.log, "MAXLEN", 3);
        return id;
      },
    ],
    [
      "the hash is gone",
      async (last) => {
        await admin.del(names.last);
        return formatMessageId(last);
      },
    ],
    [
      "it is a key of another type",
      async (last) => {
        await admin.set(names.last, formatMessageId(last));
        return formatMessageId(last);
      },
    ],
    [
      "it says what cannot be",
      async (last) => {
        await admin.hset(names.last, "next", "1-x", "length", "many");
        return formatMessageId(last);
      },
    ],
    [
      "it is that of before",
      async (last) => {
        const old = await admin.hgetall(names.last);
        await log.append([message(2)]);
        await admin.hset(names.last, old);
        return formatMessageId({ ...last, seq: last.seq + 1 });
      },
    ],
    [
      "the log is emptied",
      async (last) => {
        await admin.xtrim(names.log, "MAXLEN", 0);
        return formatMessageId(last);
      },
    ],
    [
      "the last entry is deleted",
      async (last) => {
        await admin.xdel(names.log, formatMessageId(last));
        return formatMessageId(last);
      },
    ],
    [
      "the log is gone",
      async () => {
        await admin.del(names.log);
        return undefined;
      },
    ],
    [
      "the log is one of before",
      async ({ epoch }) => {
        await admin.del(names.log);
        await admin.xadd(names.log, `${epoch - 5}-1`, "m", "{}");
        return `${epoch - 5}-1`;
      },
    ],
  ])("tells the true end when %s", async (_, spoil) => {
    await log.append([message(2), message(2), message(2)]);
    const { last } = await bus.heartbeat();
    if (!last) throw new Error("expected a log, found none");
    const expected = await spoil(last);
    expect(await tail()).toBe(expected);
    expect(await tail()).toBe(expected);
  });

  it("is refused by a Redis that is full: it takes no message, and nothing may count as proven there", async () => {
    await bus.heartbeat();
    await admin.config("SET", "maxmemory", "1");
    await expect(bus.heartbeat()).rejects.toMatchObject({ code: "OOM" });
    await expect(log.append([message(2)])).rejects.toMatchObject({ code: "OOM" });
  });

  it("is refused where something else has the log's name", async () => {
    await admin.set(names.log, "not a log");
    await expect(bus.heartbeat()).rejects.toThrow(/WRONGTYPE/);
  });

  it.each(["18446744073709551615-18446744073709551615", "9999999999999-9007199254740993"])(
    "is refused where the log ends with %s, which somebody else has written: no message can follow",
    async (id) => {
      await log.append([message(2)]);
      await admin.del(names.log);
      await admin.xadd(names.log, id, "m", "{}");
      await expect(log.append([message(2)])).rejects.toThrow(/append the messages/);
      await expect(bus.heartbeat()).rejects.toThrow(/somebody else has written to the log/);
      await admin.del(names.log);
      await log.append([message(2)]);
      expect((await bus.heartbeat()).last?.seq).toBe(1);
    },
  );
});
