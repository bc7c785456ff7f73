import { setTimeout as pause } from "node:timers/promises";
import { versionAttributes } from "../../test/chaos/nodes/apps.ts";
import { askVersion } from "../../test/chaos/nodes/requests.ts";
import { Random } from "../../test/simulation/random.ts";
import type { MonitoredFleet } from "./fleet.ts";

const WRITES_PER_SECOND = 2;
/** Of each node. */
const LOOKUPS_PER_SECOND = 20;

export interface Load {
  /** Resolves when all that is under way has ended. */
  stop(): Promise<void>;
}

/** Lookups on all nodes, and writes to the table, of apps at random, until it is stopped. */
export function startLoad({ fleet, nodes, appIds }: MonitoredFleet): Load {
  const random = new Random("monitoring");
  let isOver = false;
  const every = async (ms: number, act: () => Promise<unknown>) => {
    for (let due = performance.now(); !isOver; due += ms) {
      await pause(Math.max(0, due - performance.now()));
      await act();
    }
  };
  const asked: Promise<unknown>[] = [];
  const work = [
    every(1_000 / LOOKUPS_PER_SECOND, () => {
      // Not waited for: a node that waits for its table must not be asked less.
      for (const { port } of nodes) asked.push(askVersion(port, random.pick(appIds)));
      return Promise.resolve();
    }),
    every(1_000 / WRITES_PER_SECOND, () =>
      fleet.table.update(random.pick(appIds), versionAttributes(1 + random.integer(0, 1_000))),
    ),
  ];
  return {
    async stop() {
      isOver = true;
      await Promise.all([...work, ...asked]);
    },
  };
}
