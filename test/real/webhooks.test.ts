import { createHmac } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { connect, type PusherConnection } from "../../local/pusher-client.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { startProxy, type TcpProxy } from "../../local/tcp-proxy.ts";
import { QUEUES, startQueue, type WebhookQueueServer } from "../chaos/webhooks/queues.ts";
import { brokenWebhooks, runWebhooks } from "../chaos/webhooks/run.ts";
import { accepts, eventually, type Fleet, item, startFleet } from "../support/fleet.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../support/webhook-receiver.ts";

interface Hook {
  readonly appId: string;
  readonly name: string;
  readonly channel: string;
  readonly body: string;
  readonly signature: string;
}

let receiver: WebhookReceiver;
const hooks: Hook[] = [];

beforeAll(async () => {
  receiver = await startWebhookReceiver(({ path, headers, body, events }) => {
    const signature = String(headers["x-pusher-signature"]);
    for (const { name, channel } of events) {
      hooks.push({ appId: path.slice(1), name, channel, body, signature });
    }
  });
});

afterAll(() => receiver.close());

const TYPES = ["client_event", "channel_occupied", "channel_vacated", "member_added", "member_removed"];

function hooked(id: string) {
  const webhooks = [{ url: `${receiver.url}/${id}`, event_types: TYPES }];
  return item(id, { EnableClientMessages: { BOOL: true }, Webhooks: { S: JSON.stringify(webhooks) } });
}

function came(appId: string, name: string, channel: string): Promise<void> {
  return eventually(`${name} of ${channel} of ${appId}`, () =>
    Promise.resolve(hooks.some((one) => one.appId === appId && one.name === name && one.channel === channel)),
  );
}

describe.each(QUEUES)("webhooks in the %s queue", (driver) => {
  let fleet: Fleet;
  let node: SoketiNode;
  let table: TcpProxy;
  let sqs: WebhookQueueServer | undefined;

  beforeEach(async () => {
    const dynamodbEndpoint = inject("dynamodbEndpoint");
    const redisUrl = inject("redisUrl");
    table = await startProxy({ host: "127.0.0.1", port: Number(new URL(dynamodbEndpoint).port) });
    fleet = await startFleet({ dynamodbEndpoint, redisUrl });
    sqs = driver === "sqs" ? await startQueue(driver) : undefined;
    node = await fleet.node({
      dynamodbEndpoint: `http://127.0.0.1:${table.port}`,
      args: sqs?.args,
      env: {
        ...sqs?.env,
        SOKETI_QUEUE_DRIVER: driver,
        SOKETI_DB_REDIS_PORT: new URL(redisUrl).port,
        SOKETI_DB_REDIS_KEY_PREFIX: fleet.table.name,
        APP_SYNC_LOAD_BUDGET_MS: "500",
      },
    });
  });

  afterEach(async () => {
    await fleet.stop();
    await table.close();
    await sqs?.stop();
    hooks.length = 0;
  });

  async function room(id: string): Promise<PusherConnection> {
    await fleet.table.put(hooked(id));
    await eventually(`app ${id}`, () => accepts(node, id, `${id}-secret`));
    const connection = await connect({ port: node.port, key: `${id}-key`, secret: () => `${id}-secret` });
    await connection.subscribe("private-room");
    return connection;
  }

  it("of an app's last clients come when it is re-keyed, disabled with a new secret, or deleted", async () => {
    const clients = await Promise.all(["rekeyed", "disabled", "deleted"].map(room));
    await fleet.table.update("rekeyed", { AppKey: { S: "other-key" } });
    await fleet.table.update("disabled", { Enabled: { BOOL: false }, AppSecret: { S: "new-secret" } });
    await fleet.table.delete("deleted");
    for (const id of ["rekeyed", "disabled", "deleted"]) await came(id, "channel_vacated", "private-room");
    expect(await Promise.all(clients.map(({ error }) => error))).toEqual([4001, 4003, 4001]);
    const vacated = hooks.find(({ appId, name }) => appId === "disabled" && name === "channel_vacated");
    const signature = createHmac("sha256", "new-secret")
      .update(vacated?.body ?? "")
      .digest("hex");
    expect(vacated?.signature).toBe(signature);
    expect(node.child.output()).not.toContain("uncaughtException");
  });

  it("say once that a channel is empty which many left at once", async () => {
    await room("crowd");
    for (let i = 0; i < 5; i += 1)
      await (
        await connect({ port: node.port, key: "crowd-key", secret: () => "crowd-secret" })
      ).subscribe("private-room");
    await fleet.table.delete("crowd");
    await room("after");
    await came("crowd", "channel_vacated", "private-room");
    await came("after", "channel_occupied", "private-room");
    expect(hooks.filter(({ appId, name }) => appId === "crowd" && name === "channel_vacated")).toHaveLength(
      1,
    );
  });

  it("wait while the table cannot be read, and come when it can be", async () => {
    const speaker = await room("waits");
    table.refuse(true);
    table.disconnect();
    const changes = (await node.metrics()).changes_total ?? 0;
    // What was known is dropped, and cannot be read again; it may have been already, by the message of its creation.
    await fleet.table.update("waits", { MaxConnections: { N: "7" } });
    await eventually("the message", async () => ((await node.metrics()).changes_total ?? 0) > changes);
    speaker.client.send_event("client-said", {}, "private-room");
    await eventually(
      "the webhook to be put off",
      async () => ((await node.metrics()).webhooks_retried_total ?? 0) > 0,
    );
    expect(hooks.filter(({ name }) => name === "client_event")).toEqual([]);
    table.refuse(false);
    await came("waits", "client_event", "private-room");
    expect(
      Object.entries(await node.metrics()).filter(
        ([name, value]) => name.startsWith("webhooks_dropped_total") && value > 0,
      ),
    ).toEqual([]);
    speaker.disconnect();
  });

  it("are neither lost, nor badly signed, nor sent twice while secrets and keys change", async () => {
    const outcome = await runWebhooks({
      queue: driver,
      dynamodbEndpoint: inject("dynamodbEndpoint"),
      redisUrl: inject("redisUrl"),
      seed: 1,
      events: 200,
      rotations: 4,
      rekeys: 2,
    });
    expect(brokenWebhooks(outcome), outcome.examples.join("\n")).toEqual([]);
    expect(outcome.closedChannels).toBeGreaterThanOrEqual(4);
  });
});
