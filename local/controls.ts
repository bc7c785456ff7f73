import { hostname } from "node:os";
import type { LocalControls } from "../src/console/local-controls.ts";
import type { BusNames } from "../src/protocol/names.ts";
import type { Fleet } from "../src/redis/fleet.ts";
import type { RedisConnection } from "../src/redis/library.ts";
import { createAppChanges } from "./app-changes.ts";
import type { Stack } from "./stack.ts";
import type { StackNode } from "./stack-node.ts";

export interface ControlsOptions {
  readonly stack: Stack;
  readonly redis: RedisConnection;
  readonly names: BusNames;
  readonly fleet: Fleet;
}

/** What the buttons of the local stack's console do. */
export function createControls({ stack, redis, names, fleet }: ControlsOptions): LocalControls {
  const frozen = new Set<StackNode>();
  const nodeOf = (pid: number) => {
    const node = stack.nodes.find(({ child }) => child.pid === pid);
    if (!node) throw new Error(`expected the pid of a node of the stack, found ${pid}`);
    return node;
  };
  const linkOf = (pid: number) => {
    const { name, redisLink } = nodeOf(pid);
    if (!redisLink)
      throw new Error(`expected a way to Redis that is in hand for ${name}, found none: it speaks TLS`);
    return redisLink;
  };
  const thaw = (pid: number) => {
    const link = linkOf(pid);
    link.thaw();
    // Those that were frozen stay dead: the node makes others.
    link.disconnect();
    frozen.delete(nodeOf(pid));
  };
  /** Another process has come in its place, which has another id: that one is not missed. */
  const forget = async (pid: number) => {
    const gone = (await fleet.registered()).filter(
      ({ entry }) => entry.pid === pid && entry.host === hostname(),
    );
    if (gone.length === 0) return;
    const ids = gone.map(({ id }) => id);
    await Promise.all([redis.zrem(names.nodes, ...ids), fleet.forget(ids)]);
  };
  return {
    change: createAppChanges(stack.table, redis, names),
    disconnect: (pid) => linkOf(pid).disconnect(),
    freeze(pid) {
      linkOf(pid).freeze();
      frozen.add(nodeOf(pid));
    },
    thaw,
    kill: (pid) => nodeOf(pid).kill(),
    async start(pid) {
      const node = nodeOf(pid);
      if (frozen.has(node)) thaw(pid);
      await node.startAgain();
      await forget(pid);
    },
    nodes: () =>
      stack.nodes.map((node) => ({
        pid: node.child.pid,
        name: node.name,
        frozen: frozen.has(node),
        state: node.state,
      })),
  };
}
