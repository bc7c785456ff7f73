import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, inject, it } from "vitest";
import { connect, type PusherConnection } from "../../local/pusher-client.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { QUEUES, startQueue } from "../chaos/webhooks/queues.ts";
import { accepts, eventually, type Fleet, item, startFleet } from "../support/fleet.ts";
import { startMuteServer } from "../support/mute-server.ts";

/** Webhooks of the app whose receiver never answers. */
const WEBHOOKS = 5;

let fleet: Fleet;
let receiver: Server;
/** Queues that a webhook of the other app has come through. */
const came = new Set<string>();

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  receiver = createServer((request, response) => {
    came.add((request.url ?? "").slice(1));
    request.resume();
    response.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  await fleet.stop();
  receiver.close();
});

/** A client of an app that has a webhook there for what its clients say. */
async function clientOf(node: SoketiNode, id: string, url: string): Promise<PusherConnection> {
  const webhooks = [{ url, event_types: ["client_event"] }];
  const attributes = { EnableClientMessages: { BOOL: true }, Webhooks: { S: JSON.stringify(webhooks) } };
  await fleet.table.put(item(id, attributes));
  await eventually(`app ${id}`, () => accepts(node, id, `${id}-secret`));
  const connection = await connect({ port: node.port, key: `${id}-key`, secret: () => `${id}-secret` });
  await connection.subscribe("private-room");
  return connection;
}

const say = ({ client }: PusherConnection) => client.send_event("client-said", {}, "private-room");

describe.concurrent("a receiver of webhooks that takes them and never answers", () => {
  it.each(QUEUES)("keeps none of another app's from coming, and is left: the %s queue", async (driver) => {
    const queue = await startQueue(driver);
    const mute = await startMuteServer();
    const node = await fleet.node({ env: queue.env, args: queue.args });
    const waits = await clientOf(node, `mute-${driver}`, `http://127.0.0.1:${mute.port}/`);
    const { port } = receiver.address() as AddressInfo;
    const speaker = await clientOf(node, `well-${driver}`, `http://127.0.0.1:${port}/${driver}`);
    for (let i = 0; i < WEBHOOKS; i += 1) say(waits);
    await eventually("the first request", () => Promise.resolve(mute.connections() > 0));
    say(speaker);
    await eventually("the other app's webhook", () => Promise.resolve(came.has(driver)));
    const unanswered = async () => (await node.metrics())['webhooks_dropped_total{reason="no-answer"}'];
    await eventually("all to be counted", async () => (await unanswered()) === WEBHOOKS);
    await eventually("their connections to be closed", () => Promise.resolve(mute.connections() === 0));
    waits.disconnect();
    speaker.disconnect();
    await node.stop();
    await mute.close();
    await queue.stop();
  });
});
