import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../local/pusher-client.ts";
import type { SockudoNode } from "../../local/sockudo-node.ts";
import { eventually, item } from "../support/fleet.ts";
import { type Outcome, outcomeAt, type SockudoFleet, startSockudoFleet, statusAt, takes } from "./fleet.ts";

let fleet: SockudoFleet;
let nodes: readonly [SockudoNode, SockudoNode];

beforeAll(async () => {
  fleet = await startSockudoFleet();
  nodes = [await fleet.node(), await fleet.node()];
});
afterAll(() => fleet.stop());

/** What every node says at the same time. */
const everywhere = async <T>(ask: (node: SockudoNode) => Promise<T>, expected: T) =>
  (await Promise.all(nodes.map(ask))).every((answer) => answer === expected);
const comes = (what: string, key: string, outcome: Outcome) =>
  eventually(what, () => everywhere((node) => outcomeAt(node, key), outcome));

describe("sockudo without a database, on soketi's table", () => {
  it("has an app that was written, and no other", async () => {
    expect(await everywhere((node) => outcomeAt(node, "a-key"), "refused")).toBe(true);
    await fleet.fleet.table.put(item("a"));
    await comes("the new app", "a-key", "connected");
    expect(await everywhere((node) => outcomeAt(node, "nobody-key"), "refused")).toBe(true);
    expect(await everywhere((node) => takes(node, "nobody", "nobody-secret"), false)).toBe(true);
    expect(await everywhere((node) => takes(node, "a", "a-secret"), true)).toBe(true);
  });

  it("follows a limit that is changed, and takes soketi's traps as they were meant", async () => {
    await fleet.fleet.table.put(
      item("limited", { MaxConnections: { S: "1" }, MaxChannelNameLength: { N: "-1" } }),
    );
    const [node] = nodes;
    await eventually("the app", async () => (await statusAt(node, "limited")) === 200);
    const first = await connect({ port: node.port, key: "limited-key" });
    await first.subscribe("news");
    expect(await outcomeAt(node, "limited-key")).toBe("refused");
    await fleet.fleet.table.update("limited", { MaxConnections: { N: "2" } });
    await eventually(
      "a second connection",
      async () => (await outcomeAt(node, "limited-key")) === "connected",
    );
    first.disconnect();
  });

  it("refuses a disabled app, and takes it again", async () => {
    await fleet.fleet.table.put(item("off"));
    await comes("the app", "off-key", "connected");
    // The documented type, which soketi itself takes for true.
    await fleet.fleet.table.update("off", { Enabled: { B: Buffer.from("false") } });
    await comes("the refusal", "off-key", "refused");
    expect(await everywhere((node) => statusAt(node, "off"), 503)).toBe(true);
    await fleet.fleet.table.update("off", { Enabled: { BOOL: true } });
    await comes("the app again", "off-key", "connected");
  });

  it("knows an app by its new key alone, and not at all once it is deleted", async () => {
    await fleet.fleet.table.put(item("keyed"));
    await comes("the app", "keyed-key", "connected");
    await fleet.fleet.table.update("keyed", { AppKey: { S: "other-key" } });
    await comes("the new key", "other-key", "connected");
    await comes("the end of the old key", "keyed-key", "refused");
    await fleet.fleet.table.delete("keyed");
    await comes("the end of the app", "other-key", "refused");
    expect(await everywhere((node) => statusAt(node, "keyed"), 404)).toBe(true);
    await eventually("its end in the HTTP API", () =>
      everywhere((node) => takes(node, "keyed", "keyed-secret", "other-key"), false),
    );
    expect(await fleet.redis.keys(`${fleet.prefix}:app:*keyed*`)).toEqual([]);
  });

  it("takes a new secret, by its HTTP API and for private channels, and the old one no longer", async () => {
    await fleet.fleet.table.put(item("rotated"));
    await comes("the app", "rotated-key", "connected");
    let secret = "rotated-secret";
    const [node] = nodes;
    const open = () => connect({ port: node.port, key: "rotated-key", secret: () => secret });
    const before = await open();
    await before.subscribe("private-room");
    await fleet.fleet.table.update("rotated", { AppSecret: { S: "new" } });
    await eventually("the new secret", () => everywhere((one) => takes(one, "rotated", "new"), true));
    expect(await everywhere((one) => takes(one, "rotated", "rotated-secret"), false)).toBe(true);
    const late = await open();
    late.client.subscribe("private-room");
    expect(await late.error).toBe(4009);
    secret = "new";
    await late.subscribe("private-other");
    late.disconnect();
    // What docs/sockudo.md says does not follow: an open connection keeps the app that it was opened with.
    secret = "rotated-secret";
    await before.subscribe("private-late");
    before.disconnect();
  });

  it("answers /up with an error, since it has no apps of its own, and /up/<id> as one would expect", async () => {
    await fleet.fleet.table.put(item("healthy"));
    await comes("the app", "healthy-key", "connected");
    const [node] = nodes;
    const status = async (path: string) => (await fetch(`${node.url}${path}`)).status;
    expect(await status("/up")).toBe(503);
    expect(await status("/up/healthy")).toBe(200);
    expect(await status("/live")).toBe(200);
    expect(await status("/accept-traffic")).toBe(200);
    expect(await status("/up/nobody")).toBe(404);
    // Asking it so makes the node forget its apps, not lose them.
    expect(await outcomeAt(node, "healthy-key")).toBe("connected");
  });

  it("applies no limit of requests of an app: docs/sockudo.md says so", async () => {
    const limits = { MaxBackendEventsPerSecond: { N: "1" }, MaxReadRequestsPerSecond: { N: "1" } };
    await fleet.fleet.table.put(item("unlimited", limits));
    await comes("the app", "unlimited-key", "connected");
    const [node] = nodes;
    for (let i = 0; i < 20; i += 1) expect(await takes(node, "unlimited", "unlimited-secret")).toBe(true);
  });
});

it("sockudo's own prefix is the one that holds where none is set", async () => {
  const usual = await startSockudoFleet({ functionEnv: { SOCKUDO_CACHE_PREFIX: "" } });
  try {
    const node = await usual.node({ cache: { driver: "redis" } });
    const id = `usual-${usual.prefix}`;
    await usual.fleet.table.put(item(id));
    await eventually("the app", async () => (await outcomeAt(node, `${id}-key`)) === "connected");
    expect(await usual.redis.exists(`sockudo_cache::app:id:${id}`)).toBe(1);
    await usual.fleet.table.delete(id);
    await eventually("its end", async () => (await usual.redis.exists(`sockudo_cache::app:id:${id}`)) === 0);
  } finally {
    await usual.stop();
  }
});
