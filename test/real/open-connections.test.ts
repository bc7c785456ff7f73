import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connect, type PusherConnection } from "../../local/pusher-client.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { accepts, eventually, type Fleet, item, outcomeOfConnecting, startFleet } from "../support/fleet.ts";

let fleet: Fleet;
let node: SoketiNode;

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  node = await fleet.node();
});

afterAll(async () => {
  await fleet.stop();
});

async function put(id: string, attributes = {}): Promise<void> {
  await fleet.table.put(item(id, attributes));
  await eventually(`app ${id}`, () => accepts(node, id, `${id}-secret`));
}

/** Subscribed to a private channel, so that it may send client events. */
async function member(id: string): Promise<PusherConnection> {
  const connection = await connect({ port: node.port, key: `${id}-key`, secret: () => `${id}-secret` });
  await connection.subscribe("private-room");
  return connection;
}

describe("an open connection", () => {
  it("gets new flags in place: client messages are allowed from now on", async () => {
    await put("flags");
    const [speaker, listener] = [await member("flags"), await member("flags")];
    speaker.client.send_event("client-hello", {}, "private-room");
    expect(await speaker.error).toBe(4301);

    let heard: unknown;
    listener.client.bind("client-hello", (data: unknown) => (heard = data));
    await fleet.table.update("flags", { EnableClientMessages: { BOOL: true } });
    await eventually("a client event to arrive", () => {
      speaker.client.send_event("client-hello", { text: "hi" }, "private-room");
      return Promise.resolve(heard !== undefined);
    });
    expect(heard).toEqual({ text: "hi" });
    expect(speaker.client.connection.state).toBe("connected");
    speaker.disconnect();
    listener.disconnect();
  });

  it("gets new limits in place: longer channel names are allowed from now on", async () => {
    await put("limits", { MaxChannelNameLength: { N: "5" } });
    const connection = await connect({ port: node.port, key: "limits-key" });
    await expect(connection.subscribe("longer-than-five")).rejects.toThrow(/4009/);
    await fleet.table.update("limits", { MaxChannelNameLength: { N: "100" } });
    let tries = 0;
    await eventually("the new limit", () =>
      connection.subscribe(`longer-than-five-${(tries += 1)}`).then(
        () => true,
        () => false,
      ),
    );
    connection.disconnect();
  });
});

describe("sign-ins that are switched off and on", () => {
  it("are waited for again by a connection that had not signed in", async () => {
    const own = await fleet.node({ env: { SOKETI_USER_AUTHENTICATION_TIMEOUT: "5000" } });
    await put("asked", { EnableUserAuthentication: { BOOL: true } });
    const connection = await connect({ port: own.port, key: "asked-key" });
    for (const [secret, isAsked] of [
      ["second", false],
      ["third", true],
    ] as const) {
      await fleet.table.update("asked", {
        AppSecret: { S: secret },
        EnableUserAuthentication: { BOOL: isAsked },
      });
      await eventually("the change", () => accepts(own, "asked", secret));
    }
    expect(await connection.error).toBe(4009);
    connection.disconnect();
  });
});

describe("a webhook", () => {
  let server: Server;
  let port: number;
  const hooks: { path: string; event: string }[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const { events } = JSON.parse(body) as { events: { name: string }[] };
        hooks.push(...events.map(({ name }) => ({ path: request.url ?? "", event: name })));
        response.end();
      });
    });
    port = await new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        resolve((server.address() as { port: number }).port);
      });
    });
  });

  afterAll(() => {
    server.close();
  });

  const webhook = (path: string) => ({
    Webhooks: {
      S: JSON.stringify([
        { url: `http://127.0.0.1:${port}${path}`, event_types: ["channel_occupied", "channel_vacated"] },
      ]),
    },
  });

  it("that is added is used by connections that were open before", async () => {
    await put("hooked");
    const connection = await connect({ port: node.port, key: "hooked-key" });
    await fleet.table.update("hooked", webhook("/added"));
    let tries = 0;
    await eventually("the webhook", async () => {
      await connection.subscribe(`news-${(tries += 1)}`);
      return hooks.some(({ path }) => path === "/added");
    });
    connection.disconnect();
  });

  it("of an app that is deleted under its connections does not end the process", async () => {
    await put("stays");
    await put("gone", webhook("/gone"));
    const connection = await connect({ port: node.port, key: "gone-key" });
    await connection.subscribe("news");
    await fleet.table.delete("gone");
    expect(await connection.error).toBe(4001);
    await eventually("its last webhook", () =>
      Promise.resolve(hooks.some(({ path, event }) => path === "/gone" && event === "channel_vacated")),
    );
    expect(await outcomeOfConnecting(node, "stays-key")).toBe("connected");
    expect(node.child.output()).not.toContain("uncaughtException");
  });
});

describe("with APP_SYNC_CACHE=off", () => {
  it("lookups are soketi's own, normalized, and open connections follow all the same", async () => {
    const uncached = await fleet.node({ env: { APP_SYNC_CACHE: "off" } });
    await fleet.table.put(item("own", { MaxChannelNameLength: { N: "-1" }, Enabled: { S: "yes" } }));
    await eventually("the app", () => accepts(uncached, "own", "own-secret"));
    const connection = await connect({ port: uncached.port, key: "own-key" });
    await connection.subscribe("news");
    await fleet.table.update("own", { Enabled: { S: "no" } });
    expect(await connection.error).toBe(4003);
    expect(await outcomeOfConnecting(uncached, "own-key")).toBe(4003);
    expect(await uncached.metrics()).toMatchObject({ hits_total: 0 });
  });

  it("a client that soketi lets in after the change, from a cache of its own, is closed", async () => {
    const stale = await fleet.node({
      env: {
        APP_SYNC_CACHE: "off",
        SOKETI_APP_MANAGER_CACHE_ENABLED: "true",
        SOKETI_APP_MANAGER_CACHE_TTL: "-1",
      },
    });
    await fleet.table.put(item("late"));
    await eventually("the app", () => accepts(stale, "late", "late-secret"));
    expect(await outcomeOfConnecting(stale, "late-key")).toBe("connected");
    const before = (await stale.metrics()).changes_total ?? 0;
    await fleet.table.update("late", { Enabled: { BOOL: false } });
    await eventually("the message", async () => ((await stale.metrics()).changes_total ?? 0) > before);
    const connection = await connect({ port: stale.port, key: "late-key" });
    expect(await connection.error).toBe(4003);
  });
});

describe("what may be set", () => {
  it("closes the newest connections over a lowered limit, and with the codes that are chosen", async () => {
    const strict = await fleet.node({
      env: {
        APP_SYNC_ENFORCE_LIMITS: "on",
        APP_SYNC_CLOSE_ON: "deleted,secret-rotated",
        APP_SYNC_CLOSE_CODES: "over-limit=4010,secret-rotated=4011",
      },
    });
    await fleet.table.put(item("strict"));
    await eventually("the app", () => accepts(strict, "strict", "strict-secret"));
    const connections = [];
    for (let i = 0; i < 5; i += 1) connections.push(await connect({ port: strict.port, key: "strict-key" }));
    await fleet.table.update("strict", { MaxConnections: { N: "3" } });
    const [one, , , ...newest] = connections;
    expect(await Promise.all(newest.map(({ error }) => error))).toEqual([4010, 4010]);
    expect(one?.client.connection.state).toBe("connected");
    await fleet.table.update("strict", { AppSecret: { S: "another" } });
    expect(await one?.error).toBe(4011);
  });

  it("some changes can be told not to close connections", async () => {
    const lenient = await fleet.node({ env: { APP_SYNC_CLOSE_ON: "deleted" } });
    await fleet.table.put(item("lenient"));
    await eventually("the app", () => accepts(lenient, "lenient", "lenient-secret"));
    const connection = await connect({ port: lenient.port, key: "lenient-key" });
    await fleet.table.update("lenient", { Enabled: { BOOL: false } });
    await eventually(
      "4003 for new ones",
      async () => (await outcomeOfConnecting(lenient, "lenient-key")) === 4003,
    );
    await connection.subscribe("still-here");
    await fleet.table.delete("lenient");
    expect(await connection.error).toBe(4001);
  });
});
