import { randomUUID } from "node:crypto";
import { expect, inject, it } from "vitest";
import { eventually, item, outcomeOfConnecting, accepts } from "../support/fleet.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { keeping } from "../support/keeping.ts";
import { outcomeAt, startSockudoFleet, takes } from "./fleet.ts";

const keep = keeping();

/** soketi on its Redis cache driver, without the agent, as docs/shared-cache.md has it. */
function soketiEnv(keyPrefix: string) {
  const url = new URL(inject("redisUrl"));
  return {
    SOKETI_DB_REDIS_HOST: url.hostname,
    SOKETI_DB_REDIS_PORT: url.port,
    SOKETI_DB_REDIS_KEY_PREFIX: keyPrefix,
    SOKETI_CACHE_DRIVER: "redis",
    SOKETI_APP_MANAGER_CACHE_ENABLED: "true",
  };
}

/** With and without soketi's cache: with the agent the function has sockudo's to write alone. */
it.each([
  ["both formats at once", "soketi,sockudo"],
  ["the agent there, sockudo's format here", "sockudo"],
])("soketi and sockudo side by side on one table: %s", async (_, format) => {
  const keyPrefix = `${randomUUID().slice(0, 8)}:`;
  const { fleet, node, sweep, redis, prefix } = keep(
    await startSockudoFleet({ functionEnv: { SHARED_CACHE_FORMAT: format, DB_REDIS_KEY_PREFIX: keyPrefix } }),
  );
  const isShared = format.includes("soketi");
  const soketi = await fleet.node({
    redisUrl: inject("redisUrl"),
    ...(isShared ? { agent: "", env: soketiEnv(keyPrefix) } : {}),
  });
  const sockudo = await node();
  /** As soketi has it: a code where it refuses. */
  const both = (what: string, key: string, outcome: "connected" | number) => {
    const theirs = outcome === "connected" ? outcome : "refused";
    return eventually(
      what,
      async () =>
        (await outcomeOfConnecting(soketi, key)) === outcome && (await outcomeAt(sockudo, key)) === theirs,
    );
  };

  await fleet.table.put(item("a", { MaxChannelNameLength: { N: "-1" } }));
  await both("the app", "a-key", "connected");
  await fleet.table.update("a", { Enabled: { S: "no" } });
  await both("the refusal", "a-key", 4003);
  await fleet.table.update("a", { Enabled: { BOOL: true }, AppSecret: { S: "new" } });
  await both("the app again", "a-key", "connected");
  await eventually(
    "the new secret",
    async () => (await accepts(soketi, "a", "new")) && takes(sockudo, "a", "new"),
  );
  await fleet.table.update("a", { AppKey: { S: "other" } });
  await both("the new key", "other", "connected");
  await both("the end of the old one", "a-key", 4001);

  // soketi puts its own reading there where a client asks before the function has written.
  await sweep();
  expect(await sweep()).toMatchObject({ apps: 1, entries: isShared ? 4 : 2, repaired: 0, removed: 0 });
  const names = async (pattern: string) => (await redis.keys(pattern)).sort();
  expect(await names(`${prefix}:app:*`)).toEqual([`${prefix}:app:id:a`, `${prefix}:app:key:other`]);
  // soketi also keeps a note there of each key that it did not find.
  const ofSoketi = await redis.get(`${keyPrefix}app:other`);
  expect(ofSoketi === null ? undefined : JSON.parse(ofSoketi)).toEqual(
    isShared ? expect.objectContaining({ id: "a", key: "other", secret: "new" }) : undefined,
  );
  await fleet.table.delete("a");
  await both("the end of the app", "other", 4001);
  expect(await names(`${prefix}:app:*`)).toEqual([]);
});

it("validate and get say beforehand what sockudo has no word for", async () => {
  const { fleet, node, env } = keep(await startSockudoFleet());
  const sockudo = await node();
  await fleet.table.put(
    item("a", { MaxReadRequestsPerSecond: { N: "9" }, MaxEventPayloadInKb: { N: "0.5" } }),
  );
  await eventually("the app", async () => (await outcomeAt(sockudo, "a-key")) === "connected");
  const validated = await cli(["validate", "--json"], { env });
  expect(validated.status).toBe(2);
  const found = JSON.stringify(jsonLines(validated));
  expect(found).toContain("sockudo-limit-ignored");
  expect(found).toContain("sockudo-limit-rounded");
  expect((await cli(["validate", "--json"], { env: { ...env, SHARED_CACHE: "off" } })).status).toBe(0);
  const got = await cli(["get", "a"], { env });
  expect(got.stdout).toContain("sockudo has no such limit of an app");
  expect(got.stdout).toMatch(/app:id:a of sockudo .*as the table/);
  expect(got.stdout).toMatch(/app:key:a-key of sockudo .*as the table/);
});
