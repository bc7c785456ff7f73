import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "../../local/child.ts";
import { freePort } from "../../local/free-port.ts";
import type { Rules } from "./monitoring.ts";

/** One series of an answer. A value that is no number is NaN or an infinity. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Seconds since 1970, and the value. One for a query of one time. */
  readonly values: readonly (readonly [number, number])[];
}

export interface FiringAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
}

export interface Prometheus {
  readonly child: Child;
  /** @throws Error with Prometheus' own words, when it does not take the expression. */
  query(expr: string): Promise<readonly Series[]>;
  /** Times in seconds. */
  queryRange(
    expr: string,
    range: { readonly start: number; readonly end: number; readonly step: number },
  ): Promise<readonly Series[]>;
  /** All that are pending or firing. */
  alerts(): Promise<readonly FiringAlert[]>;
  stop(): Promise<void>;
}

export interface PrometheusOptions {
  /** What each target is to be called -> `host:port` of its `/metrics`. */
  readonly targets: Readonly<Record<string, string>>;
  readonly rules: Rules;
  /** How often it scrapes, and evaluates rules: a duration of Prometheus. */
  readonly every: string;
}

/** A real Prometheus server on the loopback interface, with one job, `soketi`. It has to be on PATH. */
export async function startPrometheus({ targets, rules, every }: PrometheusOptions): Promise<Prometheus> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-prometheus-"));
  const [config, ruleFile] = [join(folder, "prometheus.yml"), join(folder, "rules.yml")];
  // JSON is YAML.
  await writeFile(ruleFile, JSON.stringify(rules));
  await writeFile(
    config,
    JSON.stringify({
      global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
      rule_files: [ruleFile],
      scrape_configs: [
        {
          job_name: "soketi",
          static_configs: Object.entries(targets).map(([instance, address]) => ({
            targets: [address],
            labels: { instance },
          })),
        },
      ],
    }),
  );
  const url = `http://127.0.0.1:${port}`;
  const child = await startChild({
    name: "Prometheus",
    command: "prometheus",
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    ready: async () => {
      const response = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(1_000) });
      await response.arrayBuffer();
      return response.status === 200;
    },
  });
  return {
    child,
    query: async (expr) => seriesOf(await ask(url, "query", { query: expr })),
    queryRange: async (expr, { start, end, step }) =>
      seriesOf(
        await ask(url, "query_range", { query: expr, start: `${start}`, end: `${end}`, step: `${step}` }),
      ),
    alerts: async () => ((await ask(url, "alerts")) as { alerts: FiringAlert[] }).alerts,
    async stop() {
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Prometheus' HTTP API, version 1. */
async function ask(url: string, what: string, form: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(`${url}/api/v1/${what}?${new URLSearchParams(form).toString()}`);
  const answer = (await response.json()) as { data?: unknown; error?: string };
  if (answer.error !== undefined) {
    throw new Error(
      `expected Prometheus to answer ${what} ${form.query ?? ""}, found status ${response.status}: ${answer.error}`,
    );
  }
  return answer.data;
}

type Point = readonly [number, string];

function seriesOf(data: unknown): Series[] {
  const { result } = data as {
    result: { metric: Record<string, string>; value?: Point; values?: Point[] }[];
  };
  return result.map(({ metric, value, values }) => ({
    metric,
    values: (values ?? (value ? [value] : [])).map(([at, text]) => [at, numberOf(text)] as const),
  }));
}

/** Prometheus writes infinities as +Inf and -Inf. */
function numberOf(text: string): number {
  return text.endsWith("Inf") ? Number(text.replace("Inf", "Infinity")) : Number(text);
}
