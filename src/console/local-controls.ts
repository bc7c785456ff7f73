import type { OwnWrite } from "./own-writes.ts";
import type { LocalNode } from "./state.ts";

/** What the page's buttons can change in the local stack. */
export const LOCAL_CHANGES = ["limit", "secret", "disable", "enable"] as const;
export type LocalChange = (typeof LOCAL_CHANGES)[number];

/** What only the local stack gives: hands on the table, and on each node's way to Redis. */
export interface LocalControls {
  /** Changes the app that the stack has seeded. */
  change(what: LocalChange): Promise<OwnWrite>;
  /** Cuts a node's connections to Redis: it makes new ones. */
  disconnect(pid: number): void;
  /** Nothing passes between a node and Redis any more, until `thaw`. */
  freeze(pid: number): void;
  thaw(pid: number): void;
  nodes(): readonly LocalNode[];
}
