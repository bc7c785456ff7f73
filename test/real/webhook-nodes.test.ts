import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { QUEUES, startQueue } from "../chaos/webhooks/queues.ts";
import { eventually } from "../support/fleet.ts";
import { sharedFleet } from "../support/shared-fleet.ts";
import { ROOM_EVENTS, sayInRoom, startWebhookRooms, type WebhookRooms } from "../support/webhook-rooms.ts";
import { terminate } from "../support/terminate.ts";

const fleet = sharedFleet();
let rooms: WebhookRooms;

beforeAll(async () => {
  rooms = await startWebhookRooms(fleet);
});

afterAll(async () => {
  await rooms.stop();
});

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
    const speaker = await rooms.enter(node, id);
    await sayInRoom(speaker);
    await terminate(node);
    expect(await rooms.all(id)).toEqual(ROOM_EVENTS);
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
      const speaker = await rooms.enter(node, id);
      await sayInRoom(speaker);
      await terminate(node);
      expect(await rooms.all(id)).toEqual(ROOM_EVENTS);
      await terminate(worker);
      speaker.disconnect();
      await queue.stop();
    },
  );

  it("in mode server with the sync queue are counted, and that is said once", async () => {
    const node = await fleet.node({ env: { SOKETI_MODE: "server" } });
    const speaker = await rooms.enter(node, "server-sync");
    await sayInRoom(speaker);
    const dropped = async () => (await node.metrics())['webhooks_dropped_total{reason="queue-failed"}'];
    await eventually("all to be counted", async () => (await dropped()) === 3);
    const said = node.child.output().match(/SOKETI_QUEUE_DRIVER=sync with SOKETI_MODE=server/g);
    expect(said).toHaveLength(1);
    speaker.disconnect();
  });
});
