import { expect, it } from "vitest";
import { connect } from "../../local/pusher-client.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { isKnownSoketi } from "../../src/soketi/known-versions.ts";
import { startQueue } from "../chaos/webhooks/queues.ts";
import { accepts, eventually, outcomeOfConnecting } from "../support/fleet.ts";
import { installSoketi } from "../support/install-soketi.ts";
import { keeping } from "../support/keeping.ts";
import { openSigned } from "../support/signed-client.ts";
import { proveWorking } from "../support/prove-working.ts";
import { sharedFleet } from "../support/shared-fleet.ts";
import { ROOM_EVENTS, sayInRoom, startWebhookRooms } from "../support/webhook-rooms.ts";
import { terminate } from "../support/terminate.ts";

/** Each that is on npm since the first that the agent knows. */
const KNOWN = ["1.4.0", "1.5.0", "1.6.0", "1.6.1"];

const keep = keeping();
const fleet = sharedFleet();

it.each(KNOWN)("soketi %s gets the agent, without a warning", async (version) => {
  expect(isKnownSoketi(version)).toBe(true);
  const { script } = keep(installSoketi(version));
  const node = keep(await fleet.node({ script, env: { APP_SYNC_READY: "synced" } }));
  expect(node.child.output()).toContain(`attached to soketi ${version}, table`);
  expect(node.child.output()).not.toMatch(/unknown to this agent|is a fork/);
  const id = `v${version}`;
  await proveWorking(fleet, node, id);
  await fleet.table.update(id, { AppSecret: { S: "rotated" } });
  await eventually("the new secret", () => accepts(node, id, "rotated"));
  expect(await accepts(node, id, `${id}-secret`)).toBe(false);
  await proveOverlap(node, id);
  const connection = await connect({ port: node.port, key: `${id}-key` });
  await fleet.table.delete(id);
  expect(await connection.error).toBe(4001);
  connection.disconnect();
  expect(await outcomeOfConnecting(node, `${id}-key`)).toBe(4001);
  await terminate(node);
  await proveModes(script, `m${version}`);
});

/** A node in mode server gives webhooks to the queue, also those of its stop; one in mode worker sends them. */
async function proveModes(script: string, id: string): Promise<void> {
  const queue = keep(await startQueue("redis"));
  const rooms = keep(await startWebhookRooms(fleet));
  const inMode = (mode: string) => fleet.node({ script, env: { ...queue.env, SOKETI_MODE: mode } });
  const server = keep(await inMode("server"));
  const worker = keep(await inMode("worker"));
  const speaker = await rooms.enter(server, id);
  await sayInRoom(speaker);
  await terminate(server);
  expect(await rooms.all(id)).toEqual(ROOM_EVENTS);
  await terminate(worker);
  speaker.disconnect();
}

/** Everything that this version checks by a secret can be checked by the previous one. */
async function proveOverlap(node: SoketiNode, id: string): Promise<void> {
  await fleet.table.update(id, {
    AppSecret: { S: "after" },
    AppSecretPrevious: { S: "rotated" },
    AppSecretPreviousUntil: { N: String(Math.floor(Date.now() / 1_000) + 3_600) },
    EnableUserAuthentication: { BOOL: true },
  });
  await eventually("the overlap", () => accepts(node, id, "after"));
  expect(node.child.output()).not.toContain("this soketi has no");
  for (const secret of ["after", "rotated"]) {
    expect(await accepts(node, id, secret)).toBe(true);
    const client = await openSigned(node.port, `${id}-key`);
    expect(await client.signsIn(secret)).toBe(true);
    for (const channel of ["private-room", "private-encrypted-room", "presence-room"]) {
      expect(await client.subscribes(channel, secret)).toBe(true);
    }
    client.close();
  }
  expect(await accepts(node, id, "third")).toBe(false);
  await fleet.table.update(id, { EnableUserAuthentication: { BOOL: false } });
}

it("soketi 0.30.2 runs without the agent, and says what to do; it does not start where the agent is required", async () => {
  const { script } = keep(installSoketi("0.30.2"));
  const sentence =
    /soketi 0\.30\.2 has ioredis 4\.[\d.]+; the agent needs ioredis 5 or later: upgrade soketi to 1\.4 or later/;
  // It is ready; clients of an app in DynamoDB Local wait for ever, without the agent as well.
  const node = keep(await fleet.node({ script }));
  expect(node.child.output()).toMatch(/not attached, soketi runs without the agent: soketi 0\.30\.2/);
  expect(node.child.output()).toMatch(sentence);
  await expect(fleet.node({ script, env: { APP_SYNC_REQUIRED: "on" } })).rejects.toThrow(sentence);
});
