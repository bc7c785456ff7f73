import { Redis } from "ioredis";
import { beforeEach, expect, inject, it } from "vitest";
import { openAppsTable } from "../../local/apps-table.ts";
import { answerList, busNames, nodeEntry } from "../../src/protocol/names.ts";
import { decodeQuestion } from "../../src/protocol/node.ts";
import { cli, type CliResult, jsonLines } from "../support/cli.ts";
import { item } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const TABLE = "odd-nodes";
const names = busNames(`{${TABLE}}`);
const keep = keeping();

let redis: Redis;
let cursor: string;

/** An app, a log with one message, and nobody. */
beforeEach(async () => {
  await (await openAppsTable(inject("dynamodbEndpoint"), TABLE)).put(item("acme"));
  redis = open();
  await redis.del(names.log, names.last, names.nodes, names.seen);
  await run("flush", "--no-wait");
  cursor = (await redis.xrevrange(names.log, "+", "-", "COUNT", 1))[0]?.[0] ?? "";
});

function open(): Redis {
  const one = new Redis(inject("redisUrl"));
  keep({
    stop: () => {
      one.disconnect();
      return Promise.resolve();
    },
  });
  return one;
}

function run(...args: string[]): Promise<CliResult> {
  return cli(args, {
    env: {
      REDIS_URL: inject("redisUrl"),
      APP_SYNC_PREFIX: `{${TABLE}}`,
      APP_MANAGER_DYNAMODB_TABLE: TABLE,
      APP_MANAGER_DYNAMODB_ENDPOINT: inject("dynamodbEndpoint"),
    },
  });
}

/** A node that follows the log and holds nothing of any app, but for what is said of it. */
async function register(id: string, said: object = {}): Promise<void> {
  const entry = { host: `host-of-${id}`, pid: 7, agent: "0.1.0", soketi: "1.6.1" };
  const status = {
    cursor,
    state: "following",
    leaseMsLeft: 3_000,
    entries: 0,
    lagMs: 0,
    hits: 0,
    misses: 0,
    reads: 0,
  };
  const answer = { ...entry, ...status, node: id, recent: [], holds: null, ...said };
  await redis.set(nodeEntry(names, id), JSON.stringify(entry));
  await redis.zadd(names.nodes, Date.now() + 60_000, id);
  const asked = open();
  await asked.subscribe(names.ask);
  asked.on("message", (_, payload: string) => {
    const question = decodeQuestion(payload);
    if (question) void redis.rpush(answerList(names, question.id), JSON.stringify(answer));
  });
}

it("a node that answers, and not what it holds, was not looked at by get", async () => {
  await register("well");
  expect((await run("get", "acme")).status).toBe(0);
  await register("reticent", { holds: undefined });
  const { status, stdout, stderr } = await run("get", "acme", "--json");
  const words = "node host-of-reticent 7: it does not say what it holds";
  expect([status, stderr]).toEqual([7, `not checked: ${words}\n`]);
  expect(jsonLines({ status, stdout, stderr })).toMatchObject([{ notChecked: [words] }]);
});

it("a node with a lease that follows another log is not well", async () => {
  await register("well");
  expect((await run("nodes")).status).toBe(0);
  await register("elsewhere", { cursor: "1-1" });
  const { status, stdout } = await run("nodes");
  expect([status, stdout]).toEqual([2, expect.stringContaining("another log")]);
});

it("an answer that no agent gives is none, and keeps no other from being shown", async () => {
  await register("well");
  await register("odd", { flushes: 5, leaseMsLeft: "long" });
  const nodes = jsonLines<{ node: string; answers: boolean }[]>(await run("nodes", "--json")).flat();
  expect(nodes.map(({ node, answers }) => [node, answers])).toEqual([
    ["odd", false],
    ["well", true],
  ]);
  const doctor = await run("doctor");
  expect([doctor.status, doctor.stdout]).toEqual([2, expect.stringMatching(/^ok +redis /m)]);
  expect(doctor.stdout).toMatch(/^fail +node host-of-odd 7 +it does not answer$/m);
});
