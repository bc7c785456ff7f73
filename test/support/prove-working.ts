import { expect } from "vitest";
import { connect } from "../../local/pusher-client.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { accepts, eventually, type Fleet, item, outcomeOfConnecting } from "./fleet.ts";

/** The whole job on one node: an app is disabled under a connection, and enabled again; and `/metrics` says so. */
export async function proveWorking(fleet: Fleet, node: SoketiNode, id: string): Promise<void> {
  await fleet.table.put(item(id));
  await eventually(`app ${id}`, () => accepts(node, id, `${id}-secret`));
  const connection = await connect({ port: node.port, key: `${id}-key` });
  await fleet.table.update(id, { Enabled: { S: "off" } });
  expect(await connection.error).toBe(4003);
  connection.disconnect();
  await fleet.table.update(id, { Enabled: { BOOL: true } });
  await eventually("connections", async () => (await outcomeOfConnecting(node, `${id}-key`)) === "connected");
  await eventually("the lease", async () => (await node.metrics()).lease_held === 1);
  expect((await node.metrics()).connections_closed_total).toBeGreaterThanOrEqual(1);
}
