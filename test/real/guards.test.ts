import { createSocket } from "node:dgram";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import PusherServer from "pusher";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { soketiNode } from "../../local/node-binary.ts";
import { connect } from "../../local/pusher-client.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { startProxy, type TcpProxy } from "../../local/tcp-proxy.ts";
import { accepts, eventually, type Fleet, item, outcomeOfConnecting, startFleet } from "../support/fleet.ts";
import { openRaw } from "../support/raw-web-socket.ts";
import { terminate } from "../support/terminate.ts";

/** Each of them ends a soketi without the agent, in the hands of anybody who has a public key. */
const HOSTILE = [
  '{"event":"pusher:unsubscribe"}',
  '{"event":"pusher:subscribe","data":null}',
  '{"event":"pusher:subscribe","data":{"channel":5}}',
  '{"event":{"toString":null}}',
  `{"event":"pusher:ping","data":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
  '{"event":"pusher:signin"}',
];

let fleet: Fleet;
let node: SoketiNode;

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  node = await fleet.node();
  for (const one of [item("a"), item("b"), item("read", { MaxReadRequestsPerSecond: { N: "1" } })])
    await fleet.table.put(one);
  await eventually("the app", () => accepts(node, "a", "a-secret"));
});

afterAll(async () => {
  await fleet.stop();
});

/** The node is still there, with its clients. */
async function isAlive(one: SoketiNode): Promise<void> {
  const gone = await Promise.race([one.child.exited, outcomeOfConnecting(one, "a-key")]);
  expect(gone).toBe("connected");
  expect(one.child.output()).not.toContain("uncaughtException");
}

interface Call {
  readonly path: string;
  readonly body?: string;
  readonly secret?: string;
  readonly app?: string;
}

/** Where a call of the HTTP API goes, signed; key and secret are named after the app. */
function target({ path, body, app = "a", secret = `${app}-secret` }: Call): string {
  const api = new PusherServer({ appId: app, key: `${app}-key`, secret, cluster: "local" });
  const request = { method: body === undefined ? "GET" : "POST", path: `/apps/${app}${path}`, params: {} };
  const query = api.createSignedQueryString(body === undefined ? request : { ...request, body });
  return `${request.path}?${query}`;
}

async function call(port: number, request: Call) {
  const init = request.body === undefined ? {} : { method: "POST", body: request.body };
  const response = await fetch(`http://127.0.0.1:${port}${target(request)}`, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
}

const event = (data: string) => JSON.stringify({ name: "news", channel: "room", data });

it("without the agent the first of these messages ends the node", async () => {
  const alone = await fleet.node({ agent: "" });
  const { send, says, socket } = openRaw(alone.port, "a-key");
  await says("connection_established");
  send(HOSTILE[0] ?? "");
  expect(await alone.child.exited).toMatch(/ended/);
  socket.destroy();
});

it("with a guard turned off soketi does what it does without the agent, and the others stay on", async () => {
  const partly = await fleet.node({ env: { APP_SYNC_GUARDS: "-messages,-statuses" } });
  const { status, body } = await call(partly.port, { path: "/channels", app: "nobody" });
  expect([status, body]).toMatchObject([200, { code: 404 }]);
  expect((await call(partly.port, { path: "/events", body: "null" })).body).toMatchObject({ code: 400 });
  const { send, says, socket } = openRaw(partly.port, "a-key");
  await says("connection_established");
  send(HOSTILE[0] ?? "");
  expect(await partly.child.exited).toMatch(/ended/);
  socket.destroy();
});

describe("a client", () => {
  it("that sends what ends soketi is answered, and disturbs nobody", async () => {
    const other = await connect({ port: node.port, key: "a-key" });
    const room = await other.subscribe("room");
    const { send, says, socket } = openRaw(node.port, "a-key");
    await says("connection_established");
    for (const text of HOSTILE) send(text);
    send('{"event":"pusher:ping"}');
    await says("pusher:pong");
    await says('"code":4300');
    await says('"code":4009');
    const heard = new Promise((resolve) => room.bind("news", resolve));
    expect((await call(node.port, { path: "/events", body: event('"hi"') })).status).toBe(200);
    expect(await heard).toBe("hi");
    expect((await node.metrics())['guarded_total{where="messages"}']).toBe(HOSTILE.length);
    socket.destroy();
    other.disconnect();
    await isAlive(node);
  });

  it("that leaves at once, closes with 4200, or is refused does not stay among the connected", async () => {
    for (const key of ["a-key", "nobody", "a-key"]) openRaw(node.port, key).socket.resetAndDestroy();
    const { says, socket } = openRaw(node.port, "a-key");
    await says("connection_established");
    // A close frame with the code 4200, which is soketi's own.
    socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x10, 0x68]));
    await eventually("nobody to be connected", async () => {
      const response = await fetch(`http://127.0.0.1:${node.metricsPort}/metrics`);
      return /^soketi_connected\{app_id="a".*\} 0$/m.test(await response.text());
    });
    await isAlive(node);
  });

  it("with a key that no app can have is told so, which is no error of the table's", async () => {
    const { load_errors_total: before = -1 } = await node.metrics();
    const { says, socket } = openRaw(node.port, "k".repeat(2_100));
    await says('"code":4001');
    socket.destroy();
    const id = "i".repeat(2_100);
    expect((await call(node.port, { path: "/channels", app: id })).status).toBe(404);
    const { load_errors_total: after, ...metrics } = await node.metrics();
    expect([after, metrics['guarded_total{where="lookups"}']]).toEqual([before, 2]);
  });
});

describe("the HTTP API", () => {
  const CALLS: readonly (readonly [number, string, Call])[] = [
    [200, "channels", { path: "/channels" }],
    [200, "channel", { path: "/channels/room" }],
    [200, "users", { path: "/channels/presence-room/users" }],
    [200, "an event", { path: "/events", body: event("1") }],
    [200, "a batch", { path: "/batch_events", body: `{"batch":[${event("1")}]}` }],
    [200, "the end of a user's connections", { path: "/users/ann/terminate_connections", body: "{}" }],
    [400, "users of another channel", { path: "/channels/room/users" }],
    [400, "an event without a name", { path: "/events", body: '{"channel":"room","data":"1"}' }],
    [400, "null for an event", { path: "/events", body: "null" }],
    [400, "a channel that is a number", { path: "/events", body: '{"name":"n","channels":[5],"data":"1"}' }],
    [400, "a batch that is none", { path: "/batch_events", body: '{"batch":{}}' }],
    [400, "null in a batch", { path: "/batch_events", body: '{"batch":[null]}' }],
    [401, "another secret", { path: "/channels", secret: "x" }],
    [401, "another secret, for an event", { path: "/events", body: event("1"), secret: "x" }],
    [404, "another app", { path: "/channels", app: "nobody" }],
    [404, "another app, for an event", { path: "/events", body: event("1"), app: "nobody" }],
    [413, "an event that is too large", { path: "/events", body: event("x".repeat(200_000)) }],
  ];
  it.each(CALLS)("has the status %i for %s, and soketi's body and headers", async (status, _, request) => {
    const { headers, body, ...answer } = await call(node.port, request);
    expect(answer.status).toBe(status);
    expect(body).toMatchObject(status === 200 ? {} : { code: status, error: expect.any(String) as string });
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("content-type")).toBe("application/json");
  });

  it("answers a call without a body whose head comes in two packets", async () => {
    const request = createConnection({ host: "127.0.0.1", port: node.port, noDelay: true });
    await new Promise((resolve) => request.once("connect", resolve));
    const head = `POST ${target({ path: "/events", body: "" })} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`;
    request.write(head.slice(0, 10));
    await new Promise((resolve) => setImmediate(resolve));
    request.write(head.slice(10));
    const answer = await new Promise((resolve) => {
      request.once("data", (chunk: Buffer) => resolve(chunk.toString()));
      request.once("close", () => resolve("closed"));
    });
    expect(answer).toMatch(/^HTTP\/1.1 40[01]/);
    request.destroy();
  });

  it("has the status 429 over a limit, and its headers below it", async () => {
    const first = await call(node.port, { path: "/channels", app: "read" });
    expect([first.status, first.headers.get("x-ratelimit-limit")]).toEqual([200, "1"]);
    const statuses = await Promise.all(
      Array.from({ length: 3 }, () => call(node.port, { path: "/channels", app: "read" })),
    );
    expect(statuses.map(({ status }) => status)).toContain(429);
  });

  it("has no other status than soketi's where no app is concerned", async () => {
    const get = async (port: number, path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    expect(await get(node.port, "/")).toBe(200);
    expect(await get(node.port, "/accept-traffic")).toBe(200);
    expect(await get(node.port, "/nothing")).toBe(404);
    expect(await get(node.metricsPort, "/usage")).toBe(200);
  });
});

describe("a table that cannot be read", () => {
  let toDynamoDb: TcpProxy;
  let slow: SoketiNode;
  /** The node asks for the app "read". */
  let onLookup: () => void = () => undefined;

  beforeAll(async () => {
    const { port } = new URL(inject("dynamodbEndpoint"));
    toDynamoDb = await startProxy({ host: "127.0.0.1", port: Number(port) }, (chunk) => {
      if (chunk.includes('{"S":"read"}')) onLookup();
    });
    // Long enough for a slow read on a busy machine, short enough to wait for its end once.
    const env = { APP_SYNC_LOAD_BUDGET_MS: "8000" };
    slow = await fleet.node({ dynamodbEndpoint: `http://127.0.0.1:${toDynamoDb.port}`, env });
  });

  afterAll(async () => {
    await slow.stop();
    await toDynamoDb.close();
  });

  it("outlives requests that are aborted while their app is looked up", async () => {
    toDynamoDb.slow(() => 100);
    const head = `GET ${target({ path: "/channels", app: "read" })} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const request = createConnection({ host: "127.0.0.1", port: slow.port });
    // Not before: what a node has not read yet goes with the connection.
    const lookup = new Promise<void>((resolve) => (onLookup = resolve));
    request.write(head);
    await lookup;
    request.resetAndDestroy();
    await eventually(
      "the aborted request",
      async () => ((await slow.metrics())['guarded_total{where="requests"}'] ?? 0) > 0,
    );
    expect(slow.child.output()).not.toContain("read-secret");
    await isAlive(slow);
  });

  it("serves clients that speak before their app is found, in order", async () => {
    toDynamoDb.slow(() => 100);
    const subscribe = (channel: string) => JSON.stringify({ event: "pusher:subscribe", data: { channel } });
    const { says, send, socket } = openRaw(slow.port, "b-key");
    await says("101 Switching Protocols");
    send(...HOSTILE, subscribe("one"), subscribe("two"));
    await says("connection_established");
    await says('"channel":"one"');
    await says('"channel":"two"');
    socket.destroy();
  });

  it("refuses clients that speak before no app is found, and that is all", async () => {
    toDynamoDb.slow(() => 100);
    const { says, send, socket } = openRaw(slow.port, "nobody");
    await says("101 Switching Protocols");
    send(...HOSTILE, '{"event":"client-x","channel":"room"}');
    await says('"code":4001');
    socket.destroy();
    toDynamoDb.slow(() => 0);
    await isAlive(slow);
  });

  it("has publishers and clients come again", async () => {
    toDynamoDb.refuse(true);
    toDynamoDb.disconnect();
    const { status, headers, body } = await call(slow.port, {
      path: "/events",
      body: event("1"),
      app: "unread",
    });
    expect([status, headers.get("retry-after"), body]).toMatchObject([503, "1", { code: 503 }]);
    expect(await outcomeOfConnecting(slow, "unread-key")).toBe(4100);
    toDynamoDb.refuse(false);
    await eventually("the app", () => accepts(slow, "a", "a-secret"));
    await isAlive(slow);
  });
});

describe("what is between nodes", () => {
  it("Redis away: connections, subscriptions, events and calls go on, and it stops", async () => {
    const redis = await startRedis();
    const between = await fleet.node({
      env: {
        SOKETI_ADAPTER_DRIVER: "redis",
        SOKETI_CACHE_DRIVER: "redis",
        SOKETI_DB_REDIS_HOST: "127.0.0.1",
        SOKETI_DB_REDIS_PORT: `${redis.port}`,
      },
    });
    await redis.stop();
    const client = await connect({ port: between.port, key: "a-key" });
    const room = await client.subscribe("cache-room");
    const heard = new Promise((resolve) => room.bind("news", resolve));
    const published = JSON.stringify({ name: "news", channel: "cache-room", data: '"hi"' });
    expect((await call(between.port, { path: "/events", body: published })).status).toBe(200);
    expect(await heard).toBe("hi");
    expect((await call(between.port, { path: "/channels" })).body).toMatchObject({
      channels: { "cache-room": {} },
    });
    client.disconnect();
    await eventually("the client to be gone", async () => {
      const { body } = await call(between.port, { path: "/channels" });
      return !JSON.stringify(body).includes("cache-room");
    });
    await isAlive(between);
    await terminate(between);
  });

  it("a login that Redis refuses later: soketi says so, without the password", async () => {
    const redis = await startRedis({ args: ["--requirepass", "s3cret-of-redis"] });
    const between = await fleet.node({
      env: {
        SOKETI_ADAPTER_DRIVER: "redis",
        SOKETI_DB_REDIS_HOST: "127.0.0.1",
        SOKETI_DB_REDIS_PORT: `${redis.port}`,
        SOKETI_DB_REDIS_PASSWORD: "s3cret-of-redis",
      },
    });
    const admin = new Redis({ port: redis.port, password: "s3cret-of-redis" });
    await admin.config("SET", "requirepass", "another");
    for (const type of ["normal", "pubsub"]) await admin.call("CLIENT", "KILL", "TYPE", type);
    await eventually("soketi's own words", () =>
      Promise.resolve(between.child.output().includes("WRONGPASS")),
    );
    expect(between.child.output()).not.toContain("s3cret-of-redis");
    admin.disconnect();
    await between.stop();
    await redis.stop();
  });

  it("a datagram of nobody, and an event that is larger than one, end no node of a cluster", async () => {
    const port = await freePort();
    const env = {
      SOKETI_ADAPTER_DRIVER: "cluster",
      SOKETI_CLUSTER_PORT: `${port}`,
      SOKETI_CLUSTER_UNICAST_ADDRESSES: "127.0.0.1",
    };
    const clustered = await fleet.node({ env });
    const client = await connect({ port: clustered.port, key: "a-key" });
    const room = await client.subscribe("room");
    const heard = new Promise((resolve) => room.bind("news", resolve));
    const large = event(JSON.stringify("x".repeat(90_000)));
    expect((await call(clustered.port, { path: "/events", body: large })).status).toBe(200);
    expect(await heard).toHaveLength(90_000);
    const sender = createSocket("udp4");
    for (const datagram of ["null", "5", '{"event":"hello","iid":"__proto__","data":{}}'])
      sender.send(datagram, port, "127.0.0.1");
    await eventually(
      "all to be caught",
      async () => ((await clustered.metrics())['guarded_total{where="discovery"}'] ?? 0) >= 4,
    );
    sender.close();
    client.disconnect();
    await isAlive(clustered);
  });
});

describe("output that nobody reads any more", () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-deaf-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A "node" that starts the true one, and stops reading what it writes once it is up. */
  function deafNode(): string {
    const script = join(folder, "deaf.cjs");
    const text = `
      const options = process.env.DEAF_OPTIONS;
      const child = require("node:child_process").spawn(process.execPath, process.argv.slice(2), {
        env: { ...process.env, NODE_OPTIONS: options }, stdio: ["ignore", "pipe", "pipe"] });
      child.stdout.on("data", (chunk) => {
        if (!String(chunk).includes("up and running")) return;
        child.stdout.destroy();
        child.stderr.destroy();
      });
      child.on("exit", (code) => process.exit(code));
      process.on("SIGTERM", () => child.kill());`;
    writeFileSync(script, text);
    const node = join(folder, "node");
    writeFileSync(
      node,
      `#!/bin/sh\nDEAF_OPTIONS="$NODE_OPTIONS" NODE_OPTIONS= exec "${soketiNode()}" "${script}" "$@"\n`,
    );
    chmodSync(node, 0o755);
    return node;
  }

  it("ends nothing", async () => {
    // soketi writes a line for each unknown event.
    const deaf = await fleet.node({ node: deafNode(), env: { APP_SYNC_GUARDS: "-messages" } });
    const { send, says, socket } = openRaw(deaf.port, "a-key");
    await says("connection_established");
    send(...Array.from({ length: 5 }, () => '{"event":"pusher:unknown"}'), '{"event":"pusher:ping"}');
    await says("pusher:pong");
    await eventually(
      "the error",
      async () => ((await deaf.metrics())['guarded_total{where="output"}'] ?? 0) > 0,
    );
    socket.destroy();
    await isAlive(deaf);
    await deaf.stop();
  });
});
