import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connect, type PusherConnection } from "../../local/pusher-client.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { QUEUES, startQueue } from "../chaos/webhooks/queues.ts";
import { accepts, eventually, type Fleet, item, startFleet } from "../support/fleet.ts";
import { startMuteServer } from "../support/mute-server.ts";

/** Webhooks of the app whose receiver never answers. */
const WEBHOOKS = 5;

/** More than one receiver may have on their way. */
const MANY = 300;

let fleet: Fleet;
let receiver: Server;
/** How many webhooks have come to the receiver that answers, by path. */
const came = new Map<string, number>();

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  receiver = createServer((request, response) => {
    const path = (request.url ?? "").slice(1);
    came.set(path, (came.get(path) ?? 0) + 1);
    request.resume();
    response.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  await fleet.stop();
  receiver.close();
});

/** A client of an app that has webhooks there for what its clients say. */
async function clientOf(node: SoketiNode, id: string, ...urls: string[]): Promise<PusherConnection> {
  const webhooks = urls.map((url) => ({ url, event_types: ["client_event"] }));
  const attributes = { EnableClientMessages: { BOOL: true }, Webhooks: { S: JSON.stringify(webhooks) } };
  await fleet.table.put(item(id, attributes));
  await eventually(`app ${id}`, () => accepts(node, id, `${id}-secret`));
  const connection = await connect({ port: node.port, key: `${id}-key`, secret: () => `${id}-secret` });
  await connection.subscribe("private-room");
  return connection;
}

function wellUrl(path: string): string {
  const { port } = receiver.address() as AddressInfo;
  return `http://127.0.0.1:${port}/${path}`;
}

const say = ({ client }: PusherConnection) => client.send_event("client-said", {}, "private-room");

const unanswered = async (node: SoketiNode) =>
  (await node.metrics())['webhooks_dropped_total{reason="no-answer"}'];

describe.concurrent("a receiver of webhooks that takes them and never answers", () => {
  it.each(QUEUES)("keeps none of another app's from coming, and is left: the %s queue", async (driver) => {
    const queue = await startQueue(driver);
    const mute = await startMuteServer();
    const node = await fleet.node({ env: queue.env, args: queue.args });
    const waits = await clientOf(node, `mute-${driver}`, `http://127.0.0.1:${mute.port}/`);
    const speaker = await clientOf(node, `well-${driver}`, wellUrl(driver));
    for (let i = 0; i < WEBHOOKS; i += 1) say(waits);
    await eventually("the first request", () => Promise.resolve(mute.connections() > 0));
    say(speaker);
    await eventually("the other app's webhook", () => Promise.resolve(came.has(driver)));
    await eventually("all to be counted", async () => (await unanswered(node)) === WEBHOOKS);
    await eventually("their connections to be closed", () => Promise.resolve(mute.connections() === 0));
    waits.disconnect();
    speaker.disconnect();
    await node.stop();
    await mute.close();
    await queue.stop();
  });

  it.each(QUEUES)("keeps none of its own app's from another receiver: the %s queue", async (driver) => {
    const queue = await startQueue(driver);
    const mute = await startMuteServer();
    const node = await fleet.node({ env: queue.env, args: queue.args });
    const path = `same-app-${driver}`;
    const speaker = await clientOf(node, path, `http://127.0.0.1:${mute.port}/`, wellUrl(path));
    for (let i = 0; i < MANY; i += 1) say(speaker);
    await eventually("all webhooks of the one", () => Promise.resolve((came.get(path) ?? 0) >= MANY));
    await eventually("those of the other to be counted", async () => (await unanswered(node)) === MANY);
    expect(came.get(path)).toBe(MANY);
    speaker.disconnect();
    await node.stop();
    await mute.close();
    await queue.stop();
  });
});
