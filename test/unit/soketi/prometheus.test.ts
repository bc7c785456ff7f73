import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { type PromClient, registerMetrics } from "../../../src/soketi/prometheus.ts";

/** soketi's own. */
const prom = createRequire(createRequire(import.meta.url).resolve("@soketi/soketi/package.json"))(
  "prom-client",
) as PromClient & { Registry: new () => { metrics(): Promise<string> } };

it("what is not known has no series, before it is and after", async () => {
  const registry = new prom.Registry();
  let value: number | undefined;
  registerMetrics(prom, registry, "x_", [
    { name: "nodes", help: "Nodes.", kind: "gauge", read: () => value },
    { name: "seen", help: "Seen.", kind: "counter", label: "of", read: () => [["a", 2] as const] },
  ]);
  const series = async () => (await registry.metrics()).split("\n").filter((line) => line.startsWith("x_"));
  expect(await series()).toEqual(['x_seen{of="a"} 2']);
  value = 0;
  expect(await series()).toEqual(["x_nodes 0", 'x_seen{of="a"} 2']);
  value = undefined;
  expect(await series()).toEqual(['x_seen{of="a"} 2']);
});
