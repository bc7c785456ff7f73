import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connect, type PusherConnection } from "../../local/pusher-client.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { QUEUES, startQueue } from "../chaos/webhooks/queues.ts";
import { accepts, eventually, type Fleet, item, startFleet } from "../support/fleet.ts";

/** What happens in a room: two channels, one after the other, and a client event between. */
const EVENTS = ["channel_occupied", "channel_occupied", "channel_vacated", "channel_vacated", "client_event"];

let fleet: Fleet;
let receiver: Server;
/** Names of events that came, by the app's id. */
const came = new Map<string, string[]>();

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { events } = JSON.parse(body) as { events: { name: string }[] };
      const id = (request.url ?? "").slice(1);
      came.set(id, [...(came.get(id) ?? []), ...events.map(({ name }) => name)]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  await fleet.stop();
  receiver.close();
});

/** A client in a channel of an app that has a webhook for all that happens there. */
async function room(node: SoketiNode, id: string): Promise<PusherConnection> {
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/${id}`;
  const webhooks = JSON.stringify([{ url, event_types: EVENTS }]);
  await fleet.table.put(item(id, { EnableClientMessages: { BOOL: true }, Webhooks: { S: webhooks } }));
  await eventually(`app ${id}`, () => accepts(node, id, `${id}-secret`));
  const connection = await connect({ port: node.port, key: `${id}-key`, secret: () => `${id}-secret` });
  await connection.subscribe("private-room");
  return connection;
}

/** Resolves when the node has it: messages of one connection are handled in order. */
async function say(connection: PusherConnection): Promise<void> {
  connection.client.send_event("client-said", {}, "private-room");
  await connection.subscribe("private-other");
}

function all(id: string): Promise<void> {
  return eventually(`all webhooks of ${id}`, () =>
    Promise.resolve((came.get(id) ?? []).length >= EVENTS.length),
  );
}

async function terminate(node: SoketiNode): Promise<void> {
  node.child.signal("SIGTERM");
  expect(await node.child.exited).toBe("ended with exit code 0");
}

describe.concurrent("webhooks of a node", () => {
  it.each(QUEUES)("come when it stops before a batch is due: the %s queue", async (driver) => {
    const queue = await startQueue(driver);
    const env = {
      ...queue.env,
      SOKETI_WEBHOOKS_BATCHING: "true",
      SOKETI_WEBHOOKS_BATCHING_DURATION: "5000",
      SOKETI_SHUTDOWN_GRACE_PERIOD: "3000",
    };
    const node = await fleet.node({ env, args: queue.args });
    // What one node leaves in a shared queue is for another.
    const other = driver === "sync" ? undefined : await fleet.node({ env, args: queue.args });
    const id = `stops-${driver}`;
    const speaker = await room(node, id);
    await say(speaker);
    await terminate(node);
    await all(id);
    expect(came.get(id)?.sort()).toEqual(EVENTS);
    speaker.disconnect();
    await other?.stop();
    await queue.stop();
  });

  it.each(["redis", "sqs"] as const)(
    "in mode server are sent by one in mode worker: the %s queue",
    async (driver) => {
      const queue = await startQueue(driver);
      const [node, worker] = await Promise.all(
        ["server", "worker"].map((mode) =>
          fleet.node({ env: { ...queue.env, SOKETI_MODE: mode }, args: queue.args }),
        ),
      );
      if (!node || !worker) throw new Error("no nodes");
      const id = `server-${driver}`;
      const speaker = await room(node, id);
      await say(speaker);
      await terminate(node);
      await all(id);
      expect(came.get(id)?.sort()).toEqual(EVENTS);
      await terminate(worker);
      speaker.disconnect();
      await queue.stop();
    },
  );

  it("in mode server with the sync queue are counted, and that is said once", async () => {
    const node = await fleet.node({ env: { SOKETI_MODE: "server" } });
    const speaker = await room(node, "server-sync");
    await say(speaker);
    const dropped = async () => (await node.metrics())['webhooks_dropped_total{reason="queue-failed"}'];
    await eventually("all to be counted", async () => (await dropped()) === 3);
    const said = node.child.output().match(/SOKETI_QUEUE_DRIVER=sync with SOKETI_MODE=server/g);
    expect(said).toHaveLength(1);
    speaker.disconnect();
  });
});
