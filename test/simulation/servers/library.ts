import type { RedisLibrary } from "../../../src/redis/library.ts";
import { asRedisClient, type ClientPlace, SimulatedClient } from "./client.ts";

/** ioredis, as one process of the simulation has it. */
export function createLibrary(place: ClientPlace): RedisLibrary {
  // Called with `new`: what a constructor returns is what that gives.
  function Redis(options: ConstructorParameters<RedisLibrary["Redis"]>[0]) {
    return asRedisClient(new SimulatedClient(options, place));
  }
  function Cluster(): never {
    throw new Error("expected no Cluster: the simulation has none");
  }
  return { Redis, Cluster } as unknown as RedisLibrary;
}
