import type { App } from "../../src/app/app.ts";
import type { AppSource } from "../../src/agent/ports.ts";
import type { Random } from "./random.ts";
import { appOf, type SimulatedTable } from "./table.ts";
import { type Owner, type VirtualTime, WORLD } from "./virtual-time.ts";

/** What can be wrong with DynamoDB, for all nodes together. */
export interface DynamoDbWeather {
  /** How likely a request fails. */
  failures: number;
  /** Latency of one way, in milliseconds: from, to. */
  latency: readonly [number, number];
  /** How far the index by key lags behind the table, in milliseconds: from, to. */
  indexLag: readonly [number, number];
}

export const FAIR: Readonly<DynamoDbWeather> = { failures: 0, latency: [1, 15], indexLag: [0, 300] };

/** The index never lags more than this in a story. Milliseconds. */
export const MAX_INDEX_LAG_MS = 2_000;

/** One node's reads. Each takes what the table says at the moment it gets there, not when it was asked or answered. */
export function createSource(
  table: SimulatedTable,
  weather: Readonly<DynamoDbWeather>,
  time: VirtualTime,
  random: Random,
  owner: Owner,
  onFailed: (what: string) => void,
): AppSource<App> {
  function request<T>(what: string, read: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const arrive = () => {
        const fails = random.chance(weather.failures);
        const found = fails ? undefined : read();
        const answer = () => {
          if (fails) {
            onFailed(what);
            reject(new Error("ProvisionedThroughputExceededException"));
          } else resolve(found as T);
        };
        time.after(random.between(...weather.latency), answer, owner);
      };
      time.after(random.between(...weather.latency), arrive, WORLD);
    });
  }
  return {
    loadById: (id) => request(id, () => appOf(table.current(id).item)),
    resolveKey: (key) =>
      request(key, () => table.holderOf(key, Math.max(0, time.now - random.between(...weather.indexLag)))),
  };
}
