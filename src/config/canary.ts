import { EnvReader, type Environment } from "./env.ts";

const MINUTE_MS = 60_000;

export interface CanaryConfig {
  /** The id of its item in the table: `APP_SYNC_CANARY_APP`, default `app-sync-canary`. */
  readonly appId: string;
  /** From one run to the next, in milliseconds: `APP_SYNC_CANARY_MINUTES`, 1 to 60, default 1. */
  readonly intervalMs: number;
}

/** @throws ConfigError */
export function readCanaryConfig(environment: Environment): CanaryConfig {
  const env = new EnvReader(environment);
  const minutes = env.integer("APP_SYNC_CANARY_MINUTES", { min: 1, max: 60, default: 1 });
  env.finish();
  return { appId: readCanaryApp(environment), intervalMs: minutes * MINUTE_MS };
}

/** As the tools know it, which show it apart from people's apps. */
export function readCanaryApp(environment: Environment): string {
  return new EnvReader(environment).text("APP_SYNC_CANARY_APP") ?? "app-sync-canary";
}
