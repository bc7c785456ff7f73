import type { AgentReporter } from "../agent/agent.ts";
import type { AgentCounts } from "../agent/metrics.ts";
import type { ProblemListener } from "./normalize-reads.ts";
import type { SoketiLog } from "./package.ts";

/** While one kind of failure goes on, it is said again this often. Milliseconds. */
const REPEAT_MS = 30_000;

/** Kinds of failure that are remembered as said. Items are somebody else's input: there may be any number. */
const MAX_KINDS = 1_000;

export interface PreloadReporter extends Omit<AgentReporter, "heartbeatFailed"> {
  readonly counts: AgentCounts;
  readonly itemProblems: ProblemListener;
  readonly redisFailed: (error: unknown) => void;
  readonly webhookDropped: (appKey: string) => void;
  readonly metricsFailed: (error: unknown) => void;
  /** Called with each drop, once somebody wants to know. */
  onLag: (lag: { readonly sinceInvoked: number; readonly sinceWritten?: number }) => void;
}

/** The agent's reporter on soketi's log: a line when something turns, none for each message unless `debug`. */
export function createReporter(log: SoketiLog, debug: boolean): PreloadReporter {
  const lastSaid = new Map<string, number>();
  const counts: AgentCounts = {
    changes: 0,
    connectionsReplaced: 0,
    connectionsClosed: 0,
    webhooksDropped: 0,
    itemProblems: 0,
    redisErrors: 0,
  };

  function warnSometimes(kind: string, text: string): void {
    const now = Date.now();
    if (now - (lastSaid.get(kind) ?? 0) < REPEAT_MS) return;
    if (lastSaid.size >= MAX_KINDS) lastSaid.clear();
    lastSaid.set(kind, now);
    log.warning(`app-sync: ${text}`);
  }

  const reporter: PreloadReporter = {
    counts,
    onLag: () => undefined,
    dropped(change, lag) {
      counts.changes += 1;
      reporter.onLag(lag);
      if (!debug) return;
      log.success(
        `app-sync: dropped ${change.appId} (${change.type}), ${lag.sinceInvoked} ms after the pipeline was invoked`,
      );
    },
    flushed(reason) {
      if (debug || reason !== "first-sync") log.warning(`app-sync: flushed all apps: ${reason}`);
    },
    leaseChanged(held) {
      if (!held) {
        log.warning("app-sync: lease lost, apps are read again once they are older than the degraded TTL");
        return;
      }
      lastSaid.clear();
      log.success("app-sync: lease held, cached apps are proven fresh");
    },
    loadFailed(what, error) {
      warnSometimes(
        `load ${nameOf(error)}`,
        `${what} could not be read from the table: ${nameOf(error)}: ${textOf(error)}`,
      );
    },
    connectionsRefreshed(appId, replaced, closed) {
      counts.connectionsReplaced += replaced;
      counts.connectionsClosed += closed;
      if (debug) log.success(`app-sync: ${appId}: ${replaced} connections refreshed, ${closed} closed`);
    },
    staleFound(appId) {
      log.error(
        `app-sync: app ${appId} was stale and no message said so; it was dropped. Please report this.`,
      );
    },
    itemProblems(appId, problems) {
      counts.itemProblems += 1;
      for (const { attribute, code, message, severity } of problems) {
        // Items are read again and again: one line for each thing that is wrong, not for each read.
        if (debug || severity === "error") {
          warnSometimes(`${appId} ${attribute} ${code}`, `app ${appId}: ${code} in ${attribute}: ${message}`);
        }
      }
    },
    redisFailed(error) {
      counts.redisErrors += 1;
      warnSometimes(`redis ${textOf(error)}`, textOf(error));
    },
    metricsFailed(error) {
      log.error(`app-sync: not all metrics are on /metrics, the agent works without: ${textOf(error)}`);
    },
    webhookDropped(appKey) {
      counts.webhooksDropped += 1;
      warnSometimes(`webhook ${appKey}`, `a webhook of app key ${appKey} was not sent: the app is gone`);
    },
  };
  return reporter;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Error";
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
