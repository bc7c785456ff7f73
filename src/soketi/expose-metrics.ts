import type { Agent } from "../agent/agent.ts";
import { agentMetrics } from "../agent/metrics.ts";
import { lagHistogram, type PromClient, registerMetrics } from "./prometheus.ts";
import type { SoketiAppObject, SoketiServer } from "./server.ts";
import type { PreloadReporter } from "./reporter.ts";
import { wrap } from "./wrap.ts";

/** Puts the agent's metrics beside soketi's own, with soketi's prefix, when it has metrics switched on. */
export function exposeMetrics(
  server: SoketiServer,
  prom: PromClient,
  agent: Agent<SoketiAppObject>,
  report: PreloadReporter,
): void {
  if (!server.options.metrics.enabled) return;
  wrap(server, "setMetricsManager", (setMetricsManager) => (manager) => {
    const registry = manager.driver?.register;
    try {
      if (registry)
        register(prom, registry, `${server.options.metrics.prometheus.prefix}app_sync_`, agent, report);
    } catch (error) {
      // soketi is about to start, and an error here would keep it from that. A name can be taken.
      report.metricsFailed(error);
    }
    return setMetricsManager(manager);
  });
}

function register(
  prom: PromClient,
  registry: object,
  prefix: string,
  agent: Agent<SoketiAppObject>,
  report: PreloadReporter,
): void {
  registerMetrics(prom, registry, prefix, agentMetrics(agent, report.counts));
  const invoked = lagHistogram(
    prom,
    registry,
    `${prefix}invoked_to_dropped_seconds`,
    "From the invocation of the pipeline to the drop.",
  );
  const written = lagHistogram(
    prom,
    registry,
    `${prefix}written_to_dropped_seconds`,
    "From the write to the table, exact to the second on AWS, to the drop.",
  );
  report.onLag = ({ sinceInvoked, sinceWritten }) => {
    invoked(sinceInvoked);
    if (sinceWritten !== undefined) written(sinceWritten);
  };
}
