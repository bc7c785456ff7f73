import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { connect } from "../../local/pusher-client.ts";
import type { SockudoNode } from "../../local/sockudo-node.ts";
import { eventually, item } from "../support/fleet.ts";
import { outcomeAt, type SockudoFleet, startSockudoFleet } from "./fleet.ts";

interface Received {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly events: readonly { readonly name: string; readonly channel: string }[];
}

let fleet: SockudoFleet;
let node: SockudoNode;
let receiver: Server;
let url: string;
let received: Received[];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    void collect(request).then((body) => {
      const { events } = JSON.parse(body) as Pick<Received, "events">;
      received.push({ path: request.url ?? "", headers: request.headers, body, events });
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  fleet = await startSockudoFleet();
  node = await fleet.node();
});
afterAll(async () => {
  await fleet.stop();
  receiver.close();
});
beforeEach(() => {
  received = [];
});

async function collect(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

async function putApp(id: string, webhooks: readonly object[]): Promise<void> {
  await fleet.fleet.table.put(item(id, { Webhooks: { S: JSON.stringify(webhooks) } }));
  await eventually("the app", async () => (await outcomeAt(node, `${id}-key`)) === "connected");
}

const channelsAt = (path: string) =>
  received.filter((one) => one.path === path).flatMap(({ events }) => events.map(({ channel }) => channel));

it("a webhook's filter holds, its headers are sent, and it is signed", async () => {
  await putApp("hooked", [
    { url: `${url}/some`, event_types: ["channel_occupied"], filter: { channel_name_starts_with: "news-" } },
    { url: `${url}/end`, event_types: ["channel_occupied"], filter: { channel_name_ends_with: "-late" } },
    {
      url: `${url}/all`,
      event_types: ["channel_occupied"],
      headers: { "X-Number": 7, "X-List": ["a", "b"] },
    },
    { url: `${url}/other`, event_types: ["member_added"] },
  ]);
  const connection = await connect({ port: node.port, key: "hooked-key" });
  // Each is told of in its turn: what is not there when the last has come was filtered out.
  for (const channel of ["sports", "news-early", "news-late", "last-late"])
    await connection.subscribe(channel);
  await eventually("all of it", () =>
    Promise.resolve(
      channelsAt("/all").length === 4 && channelsAt("/end").length === 2 && channelsAt("/some").length === 2,
    ),
  );
  expect(channelsAt("/some").sort()).toEqual(["news-early", "news-late"]);
  expect(channelsAt("/end").sort()).toEqual(["last-late", "news-late"]);
  expect(channelsAt("/all").sort()).toEqual(["last-late", "news-early", "news-late", "sports"]);
  expect(channelsAt("/other")).toEqual([]);
  const one = received.find(({ path }) => path === "/all");
  expect(one?.headers).toMatchObject({ "x-pusher-key": "hooked-key", "x-number": "7", "x-list": "a, b" });
  const signature = createHmac("sha256", "hooked-secret")
    .update(one?.body ?? "")
    .digest("hex");
  expect(one?.headers["x-pusher-signature"]).toBe(signature);
  connection.disconnect();
});

it("two webhooks of one target are both sent", async () => {
  const twice = { url: `${url}/twice?a=1#part`, event_types: ["channel_occupied"] };
  await putApp("twice", [
    { ...twice, headers: { "X-Which": "first" } },
    { ...twice, headers: { "X-Which": "second" } },
  ]);
  const connection = await connect({ port: node.port, key: "twice-key" });
  await connection.subscribe("room");
  await eventually("both", () => Promise.resolve(received.length === 2));
  expect(received.map(({ headers }) => headers["x-which"]).sort()).toEqual(["first", "second"]);
  expect(received.map(({ path }) => path)).toEqual(["/twice?a=1", "/twice?a=1"]);
  connection.disconnect();
});

it("a webhook that is changed goes to its new place, of a client's event too", async () => {
  const types = ["client_event"];
  await fleet.fleet.table.put(
    item("moved", {
      EnableClientMessages: { S: "yes" },
      Webhooks: { S: JSON.stringify([{ url: `${url}/before`, event_types: types }]) },
    }),
  );
  await eventually("the app", async () => (await outcomeAt(node, "moved-key")) === "connected");
  await fleet.fleet.table.update("moved", {
    Webhooks: { S: JSON.stringify([{ url: `${url}/after`, event_types: types }, { url: "nowhere" }]) },
  });
  let sent = 0;
  await eventually("the webhook at its new place", async () => {
    const connection = await connect({ port: node.port, key: "moved-key", secret: () => "moved-secret" });
    const channel = await connection.subscribe(`private-${(sent += 1)}`);
    channel.trigger("client-hello", {});
    const count = received.length;
    await eventually("a webhook", () => Promise.resolve(received.length > count));
    connection.disconnect();
    return received.at(-1)?.path === "/after";
  });
});
