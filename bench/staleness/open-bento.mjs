import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { redisBusDriver } from "bentocache/drivers/redis";

/**
 * Entries live for an hour: the bus is what keeps them fresh.
 *
 * @param {string} url
 */
export function openBento(url) {
  const { hostname: host, port } = new URL(url);
  const store = bentostore()
    .useL1Layer(memoryDriver({ maxItems: 100_000 }))
    .useBus(redisBusDriver({ connection: { host, port: Number(port) } }));
  return new BentoCache({ default: "apps", ttl: "1h", stores: { apps: store } });
}
