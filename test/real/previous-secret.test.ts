import { createHmac } from "node:crypto";
import PusherServer from "pusher";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { accepts, eventually, type Fleet, item, startFleet } from "../support/fleet.ts";
import { openSigned } from "../support/signed-client.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../support/webhook-receiver.ts";

const CHANNELS = ["private-room", "private-encrypted-room", "presence-room"];

let fleet: Fleet;
const nodes: Record<string, SoketiNode> = {};
/** What soketi tells the receiver of webhooks: the signature and what was signed. */
const webhooks: { readonly signature: unknown; readonly body: string }[] = [];
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await startWebhookReceiver(({ headers, body }) => {
    webhooks.push({ signature: headers["x-pusher-signature"], body });
  });
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  nodes["cache on"] = await fleet.node();
  nodes["cache off"] = await fleet.node({ env: { APP_SYNC_CACHE: "off" } });
});

afterAll(async () => {
  await receiver.close();
  await fleet.stop();
});

const seconds = () => Math.floor(Date.now() / 1_000);

/** The app has had `<id>-secret`, and has `new` since; until then both are taken. */
async function rotate(id: string, until: number): Promise<void> {
  await fleet.table.update(id, {
    AppSecret: { S: "new" },
    AppSecretPrevious: { S: `${id}-secret` },
    AppSecretPreviousUntil: { N: String(until) },
  });
}

/** soketi 1.6.1 refuses a publisher with 401 by the status, with the agent's guard. */
async function publishes(node: SoketiNode, id: string, secret: string): Promise<boolean> {
  const [host, port] = ["127.0.0.1", String(node.port)];
  const api = new PusherServer({ appId: id, key: `${id}-key`, secret, host, port, useTLS: false });
  try {
    const { status } = await api.trigger("room", "hello", { text: "with a body_md5" });
    return status === 200;
  } catch (error) {
    if ((error as { status?: number }).status === 401) return false;
    throw error;
  }
}

describe.each(["cache on", "cache off"])("with the %s", (mode) => {
  const nodeOf = (): SoketiNode => {
    const node = nodes[mode];
    if (!node) throw new Error(`no node with the ${mode}`);
    return node;
  };

  it("both secrets are taken for everything that is signed, a third is not, and uses are counted", async () => {
    const node = nodeOf();
    const id = `both-${mode.replace(" ", "-")}`;
    await fleet.table.put(item(id, { EnableUserAuthentication: { BOOL: true } }));
    await eventually("the app", () => accepts(node, id, `${id}-secret`));
    const early = await openSigned(node.port, `${id}-key`);
    expect(await early.subscribes("private-before", `${id}-secret`)).toBe(true);

    await rotate(id, seconds() + 3_600);
    // The very first request with the new secret, on a connection that is as old as the old one.
    await eventually("the new secret", () => accepts(node, id, "new"));
    expect(await early.subscribes("private-after", "new")).toBe(true);

    for (const secret of ["new", `${id}-secret`]) {
      expect(await accepts(node, id, secret)).toBe(true);
      expect(await publishes(node, id, secret)).toBe(true);
      const client = await openSigned(node.port, `${id}-key`);
      expect(await client.signsIn(secret)).toBe(true);
      for (const channel of CHANNELS) expect(await client.subscribes(channel, secret)).toBe(true);
      client.close();
    }
    expect(await accepts(node, id, "third")).toBe(false);
    expect(await publishes(node, id, "third")).toBe(false);
    for (const channel of CHANNELS) expect(await early.subscribes(channel, "third")).toBe(false);
    expect(early.isClosed()).toBe(false);
    early.close();

    // Two requests, three subscriptions and a sign-in.
    const metrics = await node.metrics();
    expect(metrics[`previous_secret_taken_total{app_id="${id}"}`]).toBe(6);
    expect(metrics[`previous_secret_refused_total{app_id="${id}"}`]).toBe(0);
    expect(
      node.child.output().match(new RegExp(`app ${id}: something signs with its previous`, "g")),
    ).toHaveLength(1);
    expect(node.child.output()).not.toContain(`${id}-secret`);
  });

  it("the previous one is refused from the second on at which the overlap ends, with nothing read again", async () => {
    const node = nodeOf();
    const id = `ends-${mode.replace(" ", "-")}`;
    await fleet.table.put(item(id));
    await eventually("the app", () => accepts(node, id, `${id}-secret`));
    const client = await openSigned(node.port, `${id}-key`);
    const until = seconds() + 4;
    await rotate(id, until);
    await eventually("the new secret", () => accepts(node, id, "new"));
    // It is in the cache from now on, and no message comes any more.
    let last = 0;
    await eventually("the end of the overlap", async () => {
      const asked = Date.now();
      const isTaken = await accepts(node, id, `${id}-secret`);
      if (isTaken) last = asked;
      return !isTaken;
    });
    const refused = Date.now();
    expect(last).toBeLessThan(until * 1_000);
    expect(refused).toBeGreaterThanOrEqual(until * 1_000);
    expect(await client.subscribes("private-late", `${id}-secret`)).toBe(false);
    expect(await client.subscribes("private-on", "new")).toBe(true);
    const metrics = await node.metrics();
    expect(metrics[`previous_secret_refused_total{app_id="${id}"}`]).toBe(2);
    client.close();
  });

  it("an overlap that is ended early is over with the message", async () => {
    const node = nodeOf();
    const id = `early-${mode.replace(" ", "-")}`;
    await fleet.table.put(item(id));
    await rotate(id, seconds() + 3_600);
    await eventually("the overlap", () => accepts(node, id, `${id}-secret`));
    await fleet.table.put(item(id, { AppSecret: { S: "new" } }));
    await eventually("its end", async () => !(await accepts(node, id, `${id}-secret`)));
    expect(await accepts(node, id, "new")).toBe(true);
  });
});

it("webhooks are signed with the present secret", async () => {
  const node = nodes["cache on"];
  if (!node) throw new Error("no node");
  const url = `${receiver.url}/`;
  const webhook = { url, event_types: ["channel_occupied"] };
  await fleet.table.put(item("hooked", { Webhooks: { S: JSON.stringify([webhook]) } }));
  await eventually("the app", () => accepts(node, "hooked", "hooked-secret"));
  await rotate("hooked", seconds() + 3_600);
  await eventually("the new secret", () => accepts(node, "hooked", "new"));
  const client = await openSigned(node.port, "hooked-key");
  expect(await client.subscribes("private-hooked", "hooked-secret")).toBe(true);
  await eventually("the webhook", () => Promise.resolve(webhooks.length > 0));
  for (const { signature, body } of webhooks) {
    expect(signature).toBe(createHmac("sha256", "new").update(body).digest("hex"));
  }
  client.close();
});

it("secrets are in no answer of a node, no registry entry, no metric and no log", async () => {
  for (const node of Object.values(nodes)) {
    const shown = JSON.stringify(await node.metrics()) + node.child.output();
    expect(shown).not.toMatch(/-secret\b/);
  }
});
