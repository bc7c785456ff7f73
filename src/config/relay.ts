import { EnvReader, type Environment, shown } from "./env.ts";
import { type PipelineConfig, readPipelineOutsideLambda } from "./pipeline.ts";

/** What a relay needs to know: what the functions do, and what they have from Lambda. */
export interface RelayConfig extends PipelineConfig {
  /** Where `/health` and `/metrics` are. Default 127.0.0.1. */
  readonly host: string;
  /** Default 9602; 0 takes a free one. */
  readonly port: number;
  /** From one request for records to the next, for each open shard. Milliseconds, 20 to 10,000. Default 250, as Lambda. */
  readonly pollMs: number;
  /** How long a relay that is gone holds its place. Milliseconds, 1,000 to 30,000. Default 3,000. */
  readonly leaseMs: number;
  /** Between two sweeps of the shared cache. Milliseconds; from 5 minutes to a day. Default an hour. */
  readonly sweepMs: number;
}

const MINUTE_MS = 60_000;

const HOST = /^[\p{L}\p{N}_.:%-]+$/u;

/** @throws ConfigError with every mistake. */
export function readRelayConfig(environment: Environment): RelayConfig {
  const env = new EnvReader(environment);
  const pipeline = readPipelineOutsideLambda(env);
  const host = env.text("APP_SYNC_RELAY_HOST") ?? "127.0.0.1";
  if (!HOST.test(host)) env.wrong("APP_SYNC_RELAY_HOST", "an address or a host name", shown(host), "0.0.0.0");
  const number = (name: string, min: number, max: number, byDefault: number) =>
    env.integer(name, { min, max, default: byDefault });
  const relay = {
    host,
    port: number("APP_SYNC_RELAY_PORT", 0, 65_535, 9602),
    pollMs: number("APP_SYNC_RELAY_POLL_MS", 20, 10_000, 250),
    leaseMs: number("APP_SYNC_RELAY_LEASE_MS", 1_000, 30_000, 3_000),
    sweepMs: number("APP_SYNC_RELAY_SWEEP_MINUTES", 5, 1_440, 60) * MINUTE_MS,
  };
  env.finish();
  return { ...pipeline, ...relay } as RelayConfig;
}
