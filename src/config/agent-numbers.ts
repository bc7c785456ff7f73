import type { AgentSettings } from "../agent/agent-options.ts";

/** What may be set of an agent as a number, wherever it runs: whole, and in milliseconds unless something else is said. */
export const AGENT_NUMBERS = {
  leaseMs: { variable: "APP_SYNC_LEASE_MS", min: 300, max: 60_000, default: 3_000 },
  heartbeatMs: { variable: "APP_SYNC_HEARTBEAT_MS", min: 50, max: 20_000, default: 1_000 },
  degradedTtlMs: { variable: "APP_SYNC_DEGRADED_TTL_MS", min: 0, max: 3_600_000, default: 5_000 },
  maxStaleOnErrorMs: { variable: "APP_SYNC_MAX_STALE_ON_ERROR_MS", min: 0, max: 86_400_000, default: 60_000 },
  loadBudgetMs: { variable: "APP_SYNC_LOAD_BUDGET_MS", min: 100, max: 60_000, default: 5_000 },
  missingKeyTtlMs: { variable: "APP_SYNC_MISSING_KEY_TTL_MS", min: 0, max: 60_000, default: 1_000 },
  /** Apps. */
  maxEntries: { variable: "APP_SYNC_MAX_ENTRIES", min: 1, max: 10_000_000, default: 100_000 },
  reloadJitterMs: { variable: "APP_SYNC_RELOAD_JITTER_MS", min: 0, max: 10_000, default: 50 },
  verifyEveryMs: { variable: "APP_SYNC_VERIFY_EVERY_MS", min: 0, max: 3_600_000, default: 1_000 },
  /** Reads in a second. */
  readsPerSecond: { variable: "APP_SYNC_READS_PER_SECOND", min: 1, max: 100_000, default: 100 },
  fleetReadsPerSecond: {
    variable: "APP_SYNC_FLEET_READS_PER_SECOND",
    min: 1,
    max: 1_000_000,
    default: 2_000,
  },
  /** Connections in a second. */
  closesPerSecond: { variable: "APP_SYNC_CLOSES_PER_SECOND", min: 100, max: 1_000_000, default: 5_000 },
} as const;

export type AgentNumber = keyof typeof AGENT_NUMBERS;

export type AgentNumbers = Omit<AgentSettings, "closeOn" | "closeCodes">;

/** Where numbers are read from, and by which names whoever set them knows them. */
export interface NumberSource {
  /** One within its range: the default where it is wrong, which is then among the mistakes. */
  read(name: AgentNumber): number;
  nameOf(name: AgentNumber): string;
  readonly mistakes: string[];
}

/** Reads them all, and checks those that depend on each other. */
export function readAgentNumbers(source: NumberSource): AgentNumbers {
  const leaseMs = source.read("leaseMs");
  const heartbeatMs = source.read("heartbeatMs");
  if (heartbeatMs * 2 > leaseMs) {
    const [heartbeat, lease] = [source.nameOf("heartbeatMs"), source.nameOf("leaseMs")];
    source.mistakes.push(
      `${heartbeat}: expected at most half of ${lease} (${leaseMs}), found ${heartbeatMs}. ` +
        "Losing one heartbeat must not lose the lease.",
    );
  }
  return {
    leaseMs,
    heartbeatMs,
    limits: {
      degradedTtlMs: source.read("degradedTtlMs"),
      maxStaleOnErrorMs: source.read("maxStaleOnErrorMs"),
      loadBudgetMs: source.read("loadBudgetMs"),
      missingKeyTtlMs: source.read("missingKeyTtlMs"),
      maxEntries: source.read("maxEntries"),
    },
    reloadJitterMs: source.read("reloadJitterMs"),
    verifyEveryMs: source.read("verifyEveryMs"),
    readsPerSecond: source.read("readsPerSecond"),
    fleetReadsPerSecond: source.read("fleetReadsPerSecond"),
    closesPerSecond: source.read("closesPerSecond"),
  };
}
