import type { PromClient } from "../../src/soketi/prometheus.ts";
import type { SoketiServer } from "../../src/soketi/server.ts";
import { exposeMetrics } from "../../src/soketi/expose-metrics.ts";

/** Names of all that the agent registers on `/metrics` with soketi's default prefix, by its own code. */
export function exposedMetrics(): { readonly name: string; readonly kind: keyof PromClient }[] {
  const found: { name: string; kind: keyof PromClient }[] = [];
  const registering = (kind: keyof PromClient) =>
    // No arrow: it is called with `new`.
    function ({ name }: { name: string }) {
      found.push({ name, kind });
    };
  const prom = Object.fromEntries(
    (["Counter", "Gauge", "Histogram"] as const).map((kind) => [kind, registering(kind)]),
  );
  const server = {
    options: { metrics: { enabled: true, prometheus: { prefix: "soketi_" } } },
    setMetricsManager: (_manager: object) => undefined,
  };
  // Nothing is read of an agent until somebody asks `/metrics`.
  const agent = { cache: {}, follower: {}, verifier: {} };
  const report = {
    counts: {},
    metricsFailed(error: unknown) {
      throw error;
    },
  };
  exposeMetrics(
    server as unknown as SoketiServer,
    prom as unknown as PromClient,
    agent as unknown as Parameters<typeof exposeMetrics>[2],
    report as unknown as Parameters<typeof exposeMetrics>[3],
  );
  server.setMetricsManager({ driver: { register: {} } });
  return found;
}
