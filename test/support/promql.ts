import { parser } from "@prometheus-io/lezer-promql";

/**
 * The metrics that an expression selects, read with the grammar of Prometheus' own user interface.
 *
 * @throws Error that shows where it is no PromQL.
 */
export function metricsOf(expr: string): string[] {
  const metrics: string[] = [];
  parser.parse(expr).iterate({
    enter(node) {
      const text = expr.slice(node.from, node.to);
      if (node.type.isError) {
        throw new Error(`expected PromQL, found an error before "${expr.slice(node.from)}" in: ${expr}`);
      }
      if (node.name === "Identifier" && node.node.parent?.name === "VectorSelector") metrics.push(text);
    },
  });
  return metrics;
}
