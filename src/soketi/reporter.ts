import { withoutHost } from "../config/without-host.ts";
import type { AgentReporter } from "../agent/agent-options.ts";
import type { AgentCounts } from "../agent/metrics.ts";
import { PreviousSecretUses } from "../agent/previous-secret-uses.ts";
import type { PreviousSecretUse } from "../protocol/node.ts";
import { GUARDS, type GuardName } from "../config/guards.ts";
import type { ProblemListener } from "./normalize-reads.ts";
import type { SoketiLog } from "./package.ts";
import { RepeatedWarnings } from "./repeated-warnings.ts";
import type { WebhookReporter } from "./webhook-parts.ts";

export interface PreloadReporter extends Omit<AgentReporter, "heartbeatFailed">, WebhookReporter {
  readonly counts: AgentCounts & { readonly previousSecrets: PreviousSecretUses };
  /** This soketi has no such method to put the check of the previous secret around. */
  readonly noOverlap: (missing: string) => void;
  /** A signature could not be checked against another secret, and was refused. */
  readonly signatureFailed: (error: unknown) => void;
  readonly itemProblems: ProblemListener;
  readonly redisFailed: (error: unknown) => void;
  /** There is no log where it is looked for. */
  readonly logMissing: (error: Error) => void;
  readonly metricsFailed: (error: unknown) => void;
  /** A guard has spared soketi something. */
  readonly guarded: (where: GuardName, what: string, error?: string) => void;
  /** Called with each drop, once somebody wants to know. */
  onLag: (lag: { readonly sinceInvoked: number; readonly sinceWritten?: number | undefined }) => void;
}

interface Output {
  readonly log: SoketiLog;
  readonly warnings: RepeatedWarnings;
  readonly counts: AgentCounts;
  readonly debug: boolean;
}

/** The agent's reporter on soketi's log: a line when something turns, none for each message unless `debug`. */
export function createReporter(log: SoketiLog, debug: boolean): PreloadReporter {
  const guarded = new Map<string, number>(GUARDS.map((name) => [name, 0]));
  const counts: PreloadReporter["counts"] = {
    changes: 0,
    connectionsReplaced: 0,
    connectionsClosed: 0,
    webhooksRetried: 0,
    webhooksDropped: new Map(),
    itemProblems: 0,
    redisErrors: 0,
    guarded,
    previousSecrets: new PreviousSecretUses({ now: Date.now, onUsed: (use) => tellUse(log, use) }),
  };
  const output = { log, warnings: new RepeatedWarnings(log), counts, debug };
  const reporter: PreloadReporter = {
    counts,
    onLag: () => undefined,
    ...agentEvents(output, (lag) => reporter.onLag(lag)),
    ...soketiEvents(output),
    ...webhookEvents(output),
    guarded(where, what, error) {
      guarded.set(where, (guarded.get(where) ?? 0) + 1);
      // An error's words can be anything: they do not make another kind.
      output.warnings.warn(
        `guard ${where} ${what}`,
        `guard of ${where}: ${what}${error === undefined ? "" : `: ${error}`}`,
      );
    },
  };
  return reporter;
}

/** What the agent itself tells. */
function agentEvents(
  { log, warnings, counts, debug }: Output,
  onLag: PreloadReporter["onLag"],
): Omit<AgentReporter, "heartbeatFailed"> {
  return {
    dropped(change, lag) {
      counts.changes += 1;
      onLag(lag);
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
      warnings.forget();
      log.success("app-sync: lease held, cached apps are proven fresh");
    },
    loadFailed(what, error) {
      warnings.warn(
        `load ${nameOf(error)}`,
        `${short(what)} could not be read from the table: ${nameOf(error)}: ${textOf(error)}`,
      );
    },
    connectionsRefreshed(appId, replaced, closed) {
      counts.connectionsReplaced += replaced;
      counts.connectionsClosed += closed;
      if (debug) log.success(`app-sync: ${appId}: ${replaced} connections refreshed, ${closed} closed`);
    },
    staleFound(appId) {
      log.error(`app-sync: app ${appId} was stale without a message; it was dropped. Please report this.`);
    },
  };
}

/** What happens around the agent, in soketi and on the way to Redis. */
function soketiEvents({
  log,
  warnings,
  counts,
  debug,
}: Output): Pick<
  PreloadReporter,
  "itemProblems" | "redisFailed" | "logMissing" | "metricsFailed" | "noOverlap" | "signatureFailed"
> {
  return {
    noOverlap(missing) {
      log.warning(
        `app-sync: this soketi has no ${missing}: a previous secret is refused there, even during an overlap`,
      );
    },
    signatureFailed(error) {
      warnings.warn("signature", `could not check a signature: ${nameOf(error)}`);
    },
    itemProblems(appId, problems) {
      counts.itemProblems += 1;
      for (const { attribute, code, message, severity } of problems) {
        // Items are read again and again: one line for each thing that is wrong, not for each read.
        if (debug || severity === "error") {
          warnings.warn(`${appId} ${attribute} ${code}`, `app ${appId}: ${code} in ${attribute}: ${message}`);
        }
      }
    },
    redisFailed(error) {
      counts.redisErrors += 1;
      warnings.warn(`redis ${textOf(error)}`, textOf(error));
    },
    logMissing(error) {
      warnings.warn("no log", error.message);
    },
    metricsFailed(error) {
      log.error(`app-sync: not all metrics are on /metrics, the agent works without them: ${textOf(error)}`);
    },
  };
}

/** What happens to queued webhooks. */
function webhookEvents({ warnings, counts }: Output): WebhookReporter {
  return {
    webhookDropped(reason, appId) {
      counts.webhooksDropped.set(reason, (counts.webhooksDropped.get(reason) ?? 0) + 1);
      const what = reason === "no-answer" ? "had no answer in time" : `was not sent: ${reason}`;
      warnings.warn(`webhook ${reason} ${appId}`, `a webhook of app ${appId} ${what}`);
    },
    webhookRetried(appId) {
      counts.webhooksRetried += 1;
      warnings.warn(
        `webhook later ${appId}`,
        `webhooks of app ${appId} cannot be sent now and will be retried`,
      );
    },
    webhooksFailed(error) {
      warnings.warn(`webhooks ${textOf(error)}`, `webhooks: ${nameOf(error)}: ${textOf(error)}`);
    },
  };
}

/** The one that asks for something to be done: a publisher is to be changed over. */
function tellUse(log: SoketiLog, { appId, until, taken, refused }: PreviousSecretUse): void {
  const end = new Date(until * 1_000).toISOString();
  const isOver = refused > 0;
  log.warning(
    `app-sync: app ${short(appId)}: something signs with its previous secret, which ${isOver ? "was" : "is"} accepted until ${end}: ` +
      `${taken} times accepted${isOver ? ` and ${refused} times refused` : ""} on this node so far`,
  );
}

/** A key or an id is what somebody's URL says. */
function short(what: string): string {
  return what.length <= MAX_SHOWN ? what : `${what.slice(0, MAX_SHOWN)}… (${what.length} characters)`;
}

const MAX_SHOWN = 100;

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Error";
}

function textOf(error: unknown): string {
  return withoutHost(error instanceof Error ? error.message : String(error));
}
