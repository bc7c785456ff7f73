import type { PublicApp } from "../../app/public-view.ts";
import { soketiNodesOf } from "../../fleet/soketi-nodes.ts";
import type { CachedEntry, RegisteredNode } from "../../protocol/node.ts";

/** What a soketi node's cache has of an app. */
export interface CachedOnNode {
  /** Its id in the registry. */
  readonly node: string;
  readonly host: string;
  readonly pid: number;
  /** Undefined: it did not answer. */
  readonly holds: CachedEntry | null | undefined;
}

export function cachedOnNodes(nodes: readonly RegisteredNode[]): CachedOnNode[] {
  return soketiNodesOf(nodes).map(({ id, entry: { host, pid }, answer }) => ({
    node: id,
    host,
    pid,
    holds: answer?.holds,
  }));
}

/** @param app the table's; null where it has none. */
export function cachedInWords({ holds }: CachedOnNode, app: PublicApp | null): string {
  if (holds === undefined) return "no answer";
  if (holds === null) return "nothing: the next lookup reads the table";
  const proof = holds.proven ? "proven" : "not proven, read again at the next lookup";
  const age = `read ${(holds.readMsAgo / 1_000).toFixed(1)} s ago, ${proof}`;
  if (!holds.app) return `that there is no such app, ${age}`;
  return `${isAsTable(holds, app) ? "the app as it is in the table" : "another state of the app"}, ${age}`;
}

/** Whether a node would serve, without asking the table, what the table does not say. Of secrets nodes say nothing. */
export function isStale({ holds }: CachedOnNode, app: PublicApp | null): boolean {
  return holds?.proven === true && !isAsTable(holds, app);
}

function isAsTable({ app: held }: CachedEntry, app: PublicApp | null): boolean {
  return held === null || app === null ? held === app : isWithin(app, held);
}

/** soketi fills what the table leaves open with its server's defaults. */
function isWithin(part: unknown, whole: unknown): boolean {
  if (typeof part !== "object" || part === null) return part === whole;
  if (typeof whole !== "object" || whole === null) return false;
  const known = whole as Readonly<Record<string, unknown>>;
  return (
    Object.entries(part).every(([name, value]) => isWithin(value, known[name])) &&
    (!Array.isArray(part) || part.length === (whole as unknown[]).length)
  );
}
