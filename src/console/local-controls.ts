import type { OwnWrite } from "./own-writes.ts";
import type { LocalNode } from "./state.ts";

/** What the page's buttons can change in the local stack. */
export const LOCAL_CHANGES = ["limit", "secret", "disable", "enable"] as const;
export type LocalChange = (typeof LOCAL_CHANGES)[number];

/** What only the local stack gives: hands on the table, on each node, and on its way to Redis. Each throws or rejects when it cannot. */
export interface LocalControls {
  /** Changes the app that the stack has seeded. */
  change(what: LocalChange): Promise<OwnWrite>;
  /** Cuts a node's connections to Redis: it makes new ones. */
  disconnect(pid: number): void;
  /** Nothing passes between a node and Redis any more, until `thaw`. */
  freeze(pid: number): void;
  thaw(pid: number): void;
  /** Resolves when its process is gone. */
  kill(pid: number): Promise<void>;
  /** In the place of one that has ended. Resolves when it is ready. @param pid of the one that has ended. */
  start(pid: number): Promise<void>;
  nodes(): readonly LocalNode[];
}

/** Those that are about one node. */
export const NODE_ACTIONS = ["disconnect", "freeze", "thaw", "kill", "start"] as const;
export type NodeAction = (typeof NODE_ACTIONS)[number];
