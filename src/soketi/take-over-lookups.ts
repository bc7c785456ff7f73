import type { Lookups } from "./guards/lookups.ts";
import type { SoketiAppManager, SoketiAppObject } from "./server.ts";

/**
 * Puts the agent's cache in the place of soketi's lookups. soketi has no catch around them, and a rejected promise
 * would end the process: the cache never rejects.
 */
export function takeOverLookups(manager: SoketiAppManager, lookups: Lookups<SoketiAppObject>): void {
  manager.findById = (id) => lookups.findById(id);
  manager.findByKey = (key) => lookups.findByKey(key);
  manager.getAppSecret = async (id) => (await lookups.findById(id))?.secret ?? null;
}
