import { afterAll, beforeAll, inject } from "vitest";
import { type Fleet, startFleet } from "./fleet.ts";

/** For the file that calls it: one fleet for all of its tests, on the run's own Redis and DynamoDB Local. */
export function sharedFleet(): Fleet {
  let started: Fleet | undefined;
  beforeAll(async () => {
    started = await startFleet({
      dynamodbEndpoint: inject("dynamodbEndpoint"),
      redisUrl: inject("redisUrl"),
    });
  });
  afterAll(async () => {
    await started?.stop();
  });
  const fleet = () => {
    if (!started)
      throw new Error("expected the fleet to be asked for in a test or a hook, found it not started");
    return started;
  };
  return {
    get table() {
      return fleet().table;
    },
    get prefix() {
      return fleet().prefix;
    },
    get source() {
      return fleet().source;
    },
    get commandEnv() {
      return fleet().commandEnv;
    },
    node: (options) => fleet().node(options),
    stop: () => fleet().stop(),
  };
}
