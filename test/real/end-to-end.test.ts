import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connect } from "../../local/pusher-client.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { accepts, eventually, type Fleet, item, outcomeOfConnecting, startFleet } from "../support/fleet.ts";

/** Two nodes with the agent, one without, all with soketi's memory cache and its default TTL: for ever. */
const CACHED = { SOKETI_APP_MANAGER_CACHE_ENABLED: "true", SOKETI_APP_MANAGER_CACHE_TTL: "-1" };

let fleet: Fleet;
let nodes: SoketiNode[];
let bare: SoketiNode;

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  nodes = await Promise.all([fleet.node({ env: CACHED }), fleet.node({ env: CACHED })]);
  bare = await startBare();
});

afterAll(async () => {
  await bare.stop();
  await fleet.stop();
});

async function startBare(): Promise<SoketiNode> {
  const { startSoketi } = await import("../../local/soketi-node.ts");
  return startSoketi({ dynamodbEndpoint: inject("dynamodbEndpoint"), table: fleet.table.name, env: CACHED });
}

const onEachNode = (what: string, condition: (node: SoketiNode) => Promise<boolean>) =>
  Promise.all(nodes.map((node, i) => eventually(`node ${i + 1}: ${what}`, () => condition(node))));

/** Written, and known to every node. */
async function put(id: string, attributes = {}): Promise<void> {
  await fleet.table.put(item(id, attributes));
  await onEachNode(`app ${id} to be there`, (node) => accepts(node, id, `${id}-secret`));
}

describe("a write to the table", () => {
  it("put: a new app can be used", async () => {
    for (const node of nodes) expect(await outcomeOfConnecting(node, "put-key")).toBe(4001);
    await fleet.table.put(item("put"));
    await onEachNode(
      "clients to connect",
      async (node) => (await outcomeOfConnecting(node, "put-key")) === "connected",
    );
  });

  it("update: a node with an endless cache stops serving the old app, where a bare soketi goes on", async () => {
    await put("update");
    expect(await accepts(bare, "update", "update-secret")).toBe(true);
    await fleet.table.update("update", { AppSecret: { S: "new-secret" } });
    await onEachNode("the new secret", (node) => accepts(node, "update", "new-secret"));
    for (const node of nodes) expect(await accepts(node, "update", "update-secret")).toBe(false);
    expect(await accepts(bare, "update", "update-secret")).toBe(true);
  });

  it("key change: the new key is found, the old one is not", async () => {
    await put("rekey");
    for (const node of nodes) expect(await outcomeOfConnecting(node, "rekey-key")).toBe("connected");
    await fleet.table.update("rekey", { AppKey: { S: "rekey-key-2" } });
    await onEachNode(
      "the new key",
      async (node) => (await outcomeOfConnecting(node, "rekey-key-2")) === "connected",
    );
    for (const node of nodes) expect(await outcomeOfConnecting(node, "rekey-key")).toBe(4001);
  });

  it("delete: the app is gone", async () => {
    await put("delete");
    await fleet.table.delete("delete");
    await onEachNode(
      "the app to go",
      async (node) => (await outcomeOfConnecting(node, "delete-key")) === 4001,
    );
    for (const node of nodes) expect(await accepts(node, "delete", "delete-secret")).toBe(false);
  });
});

describe("soketi's traps", () => {
  it("Enabled in B as false refuses with 4003, where a bare soketi lets everybody in", async () => {
    await fleet.table.put(item("b-false", { Enabled: { B: Buffer.from("false") } }));
    await onEachNode("4003", async (node) => (await outcomeOfConnecting(node, "b-false-key")) === 4003);
    expect(await outcomeOfConnecting(bare, "b-false-key")).toBe("connected");
  });

  it("MaxChannelNameLength -1 is as if not set, where a bare soketi refuses every subscription", async () => {
    await put("minus-one", { MaxChannelNameLength: { N: "-1" } });
    for (const node of nodes) {
      const connection = await connect({ port: node.port, key: "minus-one-key" });
      await connection.subscribe("news");
      connection.disconnect();
    }
    const connection = await connect({ port: bare.port, key: "minus-one-key" });
    await expect(connection.subscribe("news")).rejects.toThrow(/4009/);
    connection.disconnect();
  });

  it("a webhook without event_types does not make the app vanish, as it does from a bare soketi", async () => {
    await fleet.table.put(
      item("webhook", { Webhooks: { S: JSON.stringify([{ url: "https://hooks.example.com" }]) } }),
    );
    await onEachNode(
      "connections",
      async (node) => (await outcomeOfConnecting(node, "webhook-key")) === "connected",
    );
    expect(await outcomeOfConnecting(bare, "webhook-key")).toBe(4001);
  });
});

describe("what is not an app", () => {
  it("stays cached: the last event of a cache channel survives an invalidation of its app", async () => {
    await put("channels");
    const [node] = nodes as [SoketiNode];
    const first = await connect({ port: node.port, key: "channels-key" });
    await first.subscribe("cache-news");
    const { default: Backend } = await import("pusher");
    const backend = (secret: string) =>
      new Backend({
        appId: "channels",
        key: "channels-key",
        secret,
        host: "127.0.0.1",
        port: `${node.port}`,
        useTLS: false,
      });
    await backend("channels-secret").trigger("cache-news", "headline", { text: "kept" });

    await fleet.table.update("channels", { AppSecret: { S: "channels-secret-2" } });
    await onEachNode("the new secret", (one) => accepts(one, "channels", "channels-secret-2"));

    const second = await connect({ port: node.port, key: "channels-key" });
    const cached = new Promise((resolve) => {
      second.client.bind("headline", resolve);
    });
    await second.subscribe("cache-news");
    expect(await cached).toEqual({ text: "kept" });
    first.disconnect();
    second.disconnect();
  });
});
