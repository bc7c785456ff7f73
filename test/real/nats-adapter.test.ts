import { createHmac } from "node:crypto";
import PusherServer from "pusher";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { isUsable } from "../../local/missing.mjs";
import { type NatsServer, startNats } from "../../local/nats-server.ts";
import { connect } from "../../local/pusher-client.ts";
import { NATS } from "../../local/requirements.mjs";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { accepts, eventually, type Fleet, item, outcomeOfConnecting, startFleet } from "../support/fleet.ts";
import { openRaw } from "../support/raw-web-socket.ts";

const hasNats = isUsable(NATS);

const apiOf = (node: SoketiNode, id = "a") =>
  new PusherServer({ appId: id, key: `${id}-key`, secret: `${id}-secret`, cluster: "local", host: "127.0.0.1", port: `${node.port}`, useTLS: false }); // prettier-ignore

/** Its user is signed in as this. */
async function signedIn(node: SoketiNode, userId: string) {
  const raw = openRaw(node.port, "users-key");
  await raw.says("connection_established");
  const socketId = /socket_id\W+(\d+\.\d+)/.exec(raw.received())?.[1] ?? "";
  const userData = JSON.stringify({ id: userId });
  const signature = createHmac("sha256", "users-secret")
    .update(`${socketId}::user::${userData}`)
    .digest("hex");
  const data = { auth: `users-key:${signature}`, user_data: userData };
  raw.send(JSON.stringify({ event: "pusher:signin", data }));
  await raw.says("signin_success");
  return raw;
}

async function occupied(node: SoketiNode): Promise<unknown> {
  const response = await apiOf(node).get({ path: "/channels" });
  return ((await response.json()) as { channels: unknown }).channels;
}

/** Where NATS is missing and cannot be installed there is nothing to try. */
describe.skipIf(!hasNats)(`nodes with the nats adapter${hasNats ? "" : " (no nats-server on PATH)"}`, () => {
  let fleet: Fleet;
  let nats: NatsServer;
  let nodes: readonly [SoketiNode, SoketiNode];

  beforeAll(async () => {
    fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
    nats = await startNats();
    const env = {
      SOKETI_ADAPTER_DRIVER: "nats",
      SOKETI_ADAPTER_NATS_SERVERS: JSON.stringify([`127.0.0.1:${nats.port}`]),
    };
    nodes = [await fleet.node({ env }), await fleet.node({ env })];
    await fleet.table.put(item("a", { EnableClientMessages: { BOOL: true } }));
    for (const node of nodes) await eventually("the app", () => accepts(node, "a", "a-secret"));
  });

  afterAll(async () => {
    await fleet.stop();
    await nats.stop();
  });

  /** An event that is published at one node comes to a client at the other. */
  async function crosses(): Promise<boolean> {
    const [one, two] = nodes;
    const client = await connect({ port: two.port, key: "a-key" });
    try {
      const room = await client.subscribe("crossing");
      const heard = new Promise<boolean>((resolve) => room.bind("news", () => resolve(true)));
      await apiOf(one).trigger("crossing", "news", "hi");
      // Behind it, on the same way: what has not come by then does not come.
      return await Promise.race([
        heard,
        occupied(one)
          .then(() => occupied(two))
          .then(() => false),
      ]);
    } finally {
      client.disconnect();
    }
  }

  it("count each other's clients, and take no unknown app and nothing hostile", async () => {
    const [one, two] = nodes;
    const clients = await Promise.all(nodes.map(({ port }) => connect({ port, key: "a-key" })));
    await Promise.all(clients.map((client) => client.subscribe("room")));
    expect(await occupied(one)).toMatchObject({ room: { subscription_count: 2 } });
    expect(await outcomeOfConnecting(two, "nobody-key")).toBe(4001);
    await expect(apiOf(one, "nobody").trigger("room", "news", "hi")).rejects.toMatchObject({ status: 404 });
    const { says, send, socket } = openRaw(two.port, "a-key");
    await says("connection_established");
    send('{"event":"pusher:unsubscribe"}', '{"event":"pusher:subscribe","data":{"channel":5}}');
    await says('"code":4300');
    socket.destroy();
    expect(await crosses()).toBe(true);
    for (const client of clients) client.disconnect();
  });

  it("close the connections of a user, of an app that is disabled, and follow its key", async () => {
    const [one, two] = nodes;
    await fleet.table.put(item("users", { EnableUserAuthentication: { BOOL: true } }));
    for (const node of nodes) await eventually("the app", () => accepts(node, "users", "users-secret"));
    const user = await signedIn(two, "ann");
    const ended = new Promise((resolve) => user.socket.once("close", resolve));
    await apiOf(one, "users").terminateUserConnections("ann");
    await ended;
    await fleet.table.put(item("b"));
    for (const node of nodes) await eventually("the app", () => accepts(node, "b", "b-secret"));
    const clients = await Promise.all(nodes.map(({ port }) => connect({ port, key: "b-key" })));
    await fleet.table.update("b", { Enabled: { BOOL: false } });
    expect(await Promise.all(clients.map(({ error }) => error))).toEqual([4003, 4003]);
    await fleet.table.update("b", { Enabled: { BOOL: true }, AppKey: { S: "other-key" } });
    await eventually(
      "the new key",
      async () => (await outcomeOfConnecting(one, "other-key")) === "connected",
    );
    expect(await outcomeOfConnecting(one, "b-key")).toBe(4001);
  });

  it("live on alone while NATS is away, and are together again when it is back", async () => {
    const [one] = nodes;
    await nats.stop();
    await eventually("it to be noticed", async () => {
      await apiOf(one).trigger("crossing", "news", "hi");
      return ((await one.metrics())['guarded_total{where="drivers"}'] ?? 0) > 0;
    });
    for (const node of nodes) expect(await outcomeOfConnecting(node, "a-key")).toBe("connected");
    expect(await occupied(one)).toEqual({});
    nats = await startNats(nats.port);
    await eventually("events to cross again", crosses);
    for (const node of nodes) expect(node.child.output()).not.toContain("uncaughtException");
  });
});
