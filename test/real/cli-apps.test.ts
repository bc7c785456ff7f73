import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { acceptsSecret } from "../../local/probe.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { accepts, eventually, type Fleet, item, outcomeOfConnecting, startFleet } from "../support/fleet.ts";

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

interface Written {
  readonly appId?: string;
  readonly type?: string;
  readonly changed?: string[];
  readonly key?: string;
  readonly secret?: string;
  readonly nodes?: { readonly confirmedAfterMs: number | null }[];
}

describe("apps", () => {
  it("create: makes an app, shows its secret once, and says when every node has confirmed", async () => {
    const result = await run("apps", "create", "made", "--set", "MaxConnections=5", "--json");
    expect(result.status, result.stderr).toBe(0);
    const [written, confirmed] = jsonLines<Written>(result);
    expect(written).toMatchObject({ appId: "made", type: "created" });
    expect(confirmed?.nodes?.map(({ confirmedAfterMs }) => typeof confirmedAfterMs)).toEqual([
      "number",
      "number",
    ]);
    expect(await fleet.table.get("made")).toEqual({
      AppId: { S: "made" },
      AppKey: { S: written?.key },
      AppSecret: { S: written?.secret },
      Enabled: { BOOL: true },
      MaxConnections: { N: "5" },
    });
    for (const node of nodes) expect(await outcomeOfConnecting(node, written?.key ?? "")).toBe("connected");
    const again = await run("apps", "create", "made");
    expect([again.status, again.stderr]).toEqual([
      1,
      expect.stringContaining("expected no app made, found one"),
    ]);
  });

  it("rotate-secret: when it returns, every node knows the new secret and not the old one", async () => {
    await fleet.table.put(item("rotated"));
    const result = await run("apps", "rotate-secret", "rotated", "--json");
    expect(result.status, result.stderr).toBe(0);
    const [written] = jsonLines<Written>(result);
    expect(written).toMatchObject({ type: "updated", changed: ["secret"] });
    expect(written?.secret).toMatch(/^[0-9a-f]{40}$/);
    const api = { appId: "rotated", key: "rotated-key" };
    for (const { port } of nodes) {
      expect(await acceptsSecret({ port, ...api }, written?.secret ?? "")).toBe(true);
      expect(await acceptsSecret({ port, ...api }, "rotated-secret")).toBe(false);
    }
  });

  it("disable, enable, rotate-key, update, delete: in effect on every node when they return", async () => {
    await fleet.table.put(item("steps"));
    const outcome = async (key: string) => [
      ...new Set(await Promise.all(nodes.map((node) => outcomeOfConnecting(node, key)))),
    ];
    const say = async (...args: string[]) => {
      const { status, stdout, stderr } = await run("apps", ...args);
      expect(status, stderr).toBe(0);
      expect(stdout).toContain("in effect on 2 nodes");
      return stdout;
    };
    expect(await say("disable", "steps")).toContain("app steps is disabled: nobody may connect");
    expect(await outcome("steps-key")).toEqual([4003]);
    expect(await say("enable", "steps")).toContain("app steps is enabled: clients may connect");
    expect(await outcome("steps-key")).toEqual(["connected"]);
    expect(await say("rotate-key", "steps", "--key", "steps-key-2")).toContain("key:    steps-key-2");
    expect(await outcome("steps-key")).toEqual([4001]);
    expect(await outcome("steps-key-2")).toEqual(["connected"]);
    const both = ["--set", "MaxConnections=7", "--set", "EnableClientMessages=true"];
    expect(await say("update", "steps", ...both)).toContain(
      "enableClientMessages=true, limits.maxConnections=7",
    );
    await say("update", "steps", "--unset", "MaxConnections");
    expect(await fleet.table.get("steps")).not.toHaveProperty("MaxConnections");
    expect(await say("delete", "steps", "--yes")).toContain(
      "app steps is deleted: its connections are closed",
    );
    expect(await outcome("steps-key-2")).toEqual([4001]);
    expect(await fleet.table.get("steps")).toBeUndefined();
  });

  it("what it writes holds, whatever other names for the same are in the item: they go", async () => {
    const { AppSecret: _, ...rest } = item("spelled");
    const others = { secret: { S: "old" }, enabled: { BOOL: true }, max_connections: { N: "9" } };
    await fleet.table.put({ ...rest, ...others, enable_client_messages: { BOOL: true } });
    const result = await run("apps", "rotate-secret", "spelled", "--json");
    expect(result.status, result.stderr).toBe(0);
    const [written] = jsonLines<Written>(result);
    for (const args of [
      ["disable", "spelled"],
      ["update", "spelled", "--set", "MaxConnections=5"],
    ]) {
      const { status, stderr } = await run("apps", ...args);
      expect(status, stderr).toBe(0);
    }
    expect(await fleet.table.get("spelled")).toEqual({
      ...rest,
      AppSecret: { S: written?.secret },
      Enabled: { BOOL: false },
      MaxConnections: { N: "5" },
      enable_client_messages: { BOOL: true },
    });
  });

  it("writes nothing that would not be as it is meant, and says why", async () => {
    await fleet.table.put(item("kept"));
    await fleet.table.put(item("other"));
    const before = await fleet.table.get("kept");
    for (const [args, message] of [
      [["update", "kept", "--set", "Webhooks=[{}]"], /Webhooks\[0\]: has neither url nor lambda_function/],
      [["update", "kept", "--set", "MaxConnections=0"], /To let nobody in, disable the app/],
      [["update", "kept", "--set", "MaxConnections=many"], /MaxConnections: expected a number, found "many"/],
      [["update", "kept", "--set", "Enabled=perhaps"], /Enabled: expected true or false/],
      [["update", "kept", "--set", "AppSecret="], /AppSecret: Expected S; found nothing/],
      [["update", "kept", "--set", "Nonsense=1"], /expected one of AppKey, .*; found "Nonsense"/],
      [["update", "kept"], /expected --set Name=value or --unset Name, found neither/],
      [["rotate-key", "kept", "--key", "other-key"], /expected an unused key, found that of app other/],
      [["rotate-key", "kept", "--key", "other"], /expected a key that is not an app's id, found app other/],
      [["enable", "nobody"], /expected app nobody in the table, found none/],
      [["delete", "kept"], /nothing was changed: confirm, or pass --yes/],
    ] as const) {
      const { status, stderr } = await run("apps", ...args);
      expect([args, status]).toEqual([args, 1]);
      expect(stderr).toMatch(message);
    }
    expect(await fleet.table.get("kept")).toEqual(before);
  });

  it("a change that was not confirmed is not done when it is repeated: every node is asked again", async () => {
    await fleet.table.put(item("same", { Enabled: { BOOL: true } }));
    const [node] = nodes;
    if (!node) throw new Error("expected a node");
    const disable = () => run("apps", "disable", "same", "--timeout", "500ms");
    node.child.signal("SIGSTOP");
    try {
      expect([(await disable()).status, (await disable()).status]).toEqual([3, 3]);
    } finally {
      node.child.signal("SIGCONT");
    }
    const { status, stdout, stderr } = await run("apps", "disable", "same");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(
      "app same is disabled: nobody may connect, and its connections are closed, as before",
    );
    expect(stdout).toContain("in effect on 2 nodes");
    // Of a shared cache only the function tells, and it does not tell of what has not changed.
    const shared = await cli(["apps", "disable", "same"], { env: { ...env, SHARED_CACHE: "evict" } });
    expect([shared.status, shared.stdout]).toEqual([0, expect.stringContaining("in effect on 2 nodes")]);
    for (const [args, more] of [
      [["--no-wait"], {}],
      [[], { REDIS_URL: "" }],
    ] as const) {
      const left = await cli(["apps", "disable", "same", ...args], { env: { ...env, ...more } });
      expect([left.status, left.stdout]).toEqual([0, expect.not.stringContaining("in effect")]);
    }
  });

  it("says with its exit code that it is written and not confirmed", async () => {
    const name = `alone-${randomUUID().slice(0, 8)}`;
    // A log that nobody else writes to: neither the function nor a node is there.
    const elsewhere = { ...env, APP_SYNC_PREFIX: `{${name}}` };
    const result = await cli(["apps", "create", name, "--timeout", "300ms"], { env: elsewhere });
    expect(result.status).toBe(3);
    expect(result.stderr).toContain("done, but no node is registered to confirm it");
    expect(result.stdout).toContain("secret:");
    // What is announced does nothing for a shared cache: that waits for the function's own message.
    const shared = { ...elsewhere, SHARED_CACHE: "evict" };
    const waited = await cli(["apps", "disable", name, "--timeout", "300ms"], { env: shared });
    expect([waited.status, waited.stderr]).toEqual([
      3,
      expect.stringContaining("written, but no message about it arrived within 0.3 s"),
    ]);
    expect(await fleet.table.get(name)).toBeDefined();
    const left = await cli(["apps", "enable", name, "--no-wait"], { env: { ...env, REDIS_URL: "" } });
    expect(left.status, left.stderr).toBe(0);
  });
});

describe("invalidate and flush", () => {
  it("return when every node has confirmed", async () => {
    const invalidated = await run("invalidate", "a", "b");
    expect([invalidated.status, invalidated.stdout]).toEqual([
      0,
      expect.stringContaining("in effect on 2 nodes"),
    ]);
    const flushed = await run("flush", "--reason", "test", "--json");
    expect(jsonLines<Written>(flushed)[0]?.nodes).toHaveLength(2);
  });

  it("a node that does not answer is named, and makes the exit code 3", async () => {
    const third = await fleet.node();
    await eventually("its lease", async () => (await third.metrics()).lease_held === 1);
    third.child.signal("SIGSTOP");
    const { status, stdout, stderr } = await run("flush", "--timeout", "1s");
    third.child.signal("SIGCONT");
    await third.stop();
    expect(status).toBe(3);
    expect(stdout).toMatch(/ \d+: not confirmed/);
    // No other is told to be late for it.
    const confirmed = [...stdout.matchAll(/confirmed after (\d+) ms/g)].map(([, ms]) => Number(ms));
    expect(confirmed).toHaveLength(2);
    for (const ms of confirmed) expect(ms).toBeLessThan(900);
    expect(stderr).toContain("1 node of 3 did not confirm within 1 s");
  });
});

describe("get", () => {
  it("shows item, app, problems and what each node holds, without secrets", async () => {
    const webhooks = '[{"url":"https://hooks.example.com/t0ken","event_types":["channel_occupied"]},{}]';
    const others = { secret: { S: "shown-secret" }, webhooks: { S: webhooks } };
    await fleet.table.put(item("shown", { Enabled: { S: "yes" }, Webhooks: { S: webhooks }, ...others }));
    const [first] = nodes;
    await eventually("the app", () => accepts(first as SoketiNode, "shown", "shown-secret"));
    for (const name of ["shown", "shown-key"]) {
      const result = await run("get", name, "--json");
      // It has errors.
      expect(result.status, result.stderr).toBe(2);
      expect(result.stdout).not.toMatch(/shown-secret|t0ken/);
      expect(jsonLines(result)[0]).toMatchObject({
        appId: "shown",
        item: { AppId: { S: "shown" }, Enabled: { S: "yes" } },
        app: { enabled: true, webhooks: [{ origin: "https://hooks.example.com" }] },
        problems: [
          { code: "undocumented-spelling" },
          { code: "webhook-without-target" },
          { code: "webhook-without-events" },
          { code: "undocumented-spelling" },
        ],
      });
    }
    const text = await run("get", "shown");
    expect(text.stdout).toContain("the app as it is in the table, read");
    expect(text.stdout).not.toMatch(/shown-secret|t0ken/);
    expect((await run("get", "shown", "--secrets")).stdout).toContain("shown-secret");
    expect(text.stdout).toContain("Secrets are not compared: nodes do not tell them.");
    const none = await run("get", "nobody");
    expect([none.status, none.stdout]).toEqual([
      2,
      expect.stringContaining("the table has no app with the id or key nobody"),
    ]);
  });

  it("ends with 2 where a node goes on serving what the table no longer says, and names it", async () => {
    // A log that nobody publishes on, and a node that does not look by itself.
    const prefix = `{get:${randomUUID().slice(0, 8)}}`;
    const stuck = await fleet.node({ env: { APP_SYNC_PREFIX: prefix, APP_SYNC_VERIFY_EVERY_MS: "0" } });
    const there = { env: { ...env, APP_SYNC_PREFIX: prefix } };
    expect((await cli(["invalidate", "a", "--no-wait"], there)).status).toBe(0);
    await eventually("its lease", async () => (await stuck.metrics()).lease_held === 1);
    await fleet.table.put(item("stale", { MaxConnections: { N: "5" } }));
    expect(await accepts(stuck, "stale", "stale-secret")).toBe(true);
    const before = await cli(["get", "stale"], there);
    expect([before.status, before.stderr]).toEqual([0, ""]);
    await fleet.table.update("stale", { MaxConnections: { N: "6" } });
    const after = await cli(["get", "stale"], there);
    expect(after.status, after.stderr).toBe(2);
    expect(after.stderr).toMatch(
      new RegExp(
        `^node \\S+ ${stuck.child.pid} holds another state of stale than the table: soketi-app-sync doctor`,
      ),
    );
    expect((await cli(["invalidate", "stale"], there)).status).toBe(0);
    expect((await cli(["get", "stale"], there)).status).toBe(0);
    await stuck.stop();
  });
});
