import type { AppCache } from "../agent/app-cache.ts";
import type { SoketiAppManager, SoketiAppObject } from "./server.ts";

/**
 * Puts the agent's cache in the place of soketi's lookups. soketi has no catch around them, and a rejected promise
 * would end the process: the cache never rejects.
 */
export function takeOverLookups(manager: SoketiAppManager, cache: AppCache<SoketiAppObject>): void {
  manager.findById = (id) => cache.findById(id);
  manager.findByKey = (key) => cache.findByKey(key);
  manager.getAppSecret = async (id) => (await cache.findById(id))?.secret ?? null;
}
