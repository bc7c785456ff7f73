import { setTimeout as pause } from "node:timers/promises";
import { RULES } from "../../test/support/monitoring.ts";
import { startPrometheus } from "../../test/support/prometheus.ts";
import { CLIENTS, connectClients, type MonitoredFleet, startMonitoredFleet } from "./fleet.ts";
import { startLoad } from "./load.ts";
import { queryPanels, type Recording } from "./recording.ts";

const SECONDS = 240;

/** Three real nodes, asked and written to, of which the third loses what it needs; and what a real Prometheus saw of it. */
export async function recordFleet(say: (line: string) => void): Promise<Recording> {
  // The function's metrics go to the terminal otherwise.
  process.env.POWERTOOLS_METRICS_DISABLED = "true";
  const monitored = await startMonitoredFleet();
  const targets = Object.fromEntries(
    monitored.nodes.map((node, i) => [`soketi-${i + 1}`, `127.0.0.1:${node.metricsPort}`]),
  );
  const prometheus = await startPrometheus({ targets, rules: RULES, every: "1s" });
  const clients = await connectClients(monitored);
  const load = startLoad(monitored);

  const start = Math.ceil(Date.now() / 1_000) + 10;
  const marks: Recording["marks"][number][] = [];
  await tellStory(monitored, {
    at: (second) => pause(Math.max(0, (start + second) * 1_000 - Date.now())),
    mark(text, from, to = from) {
      say(`${from} s: ${text}`);
      marks.push({ text, from, to });
    },
  });

  const panels = await queryPanels(prometheus, { start, end: start + SECONDS });
  await load.stop();
  for (const client of clients) client.disconnect();
  await prometheus.stop();
  await monitored.stop();
  return { seconds: SECONDS, marks, panels };
}

interface Stage {
  /** Waits until so many seconds after the beginning. */
  readonly at: (second: number) => Promise<void>;
  readonly mark: (text: string, from: number, to?: number) => void;
}

/** What happens to the fleet, from its beginning to its end. */
async function tellStory(monitored: MonitoredFleet, { at, mark }: Stage): Promise<void> {
  const { fleet, appIds, toRedis, toDynamoDb } = monitored;
  await at(30);
  mark("soketi-3 cannot reach Redis", 30, 95);
  toRedis.refuse(true);
  toRedis.disconnect();
  await at(65);
  mark("nor DynamoDB", 65, 85);
  toDynamoDb.refuse(true);
  toDynamoDb.disconnect();
  await at(85);
  toDynamoDb.refuse(false);
  await at(95);
  toRedis.refuse(false);
  await at(130);
  mark("10 apps with clients are disabled; one gets a flag that is none", 130, 131);
  for (const id of appIds.slice(0, CLIENTS / 2)) await fleet.table.update(id, { Enabled: { BOOL: false } });
  await fleet.table.update(appIds.at(-1) ?? "", { EnableClientMessages: { S: "perhaps" } });
  await at(170);
  mark("Redis is killed, and comes back empty", 170, 182);
  await monitored.killRedis();
  await at(182);
  await monitored.startRedisAgain();
  await at(SECONDS);
}
