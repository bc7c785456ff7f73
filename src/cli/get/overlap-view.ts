import { timeOf } from "../../app/iso-time.ts";
import type { Normalized } from "../../app/normalize.ts";
import { previousSecretUses } from "../../fleet/previous-secret-uses.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import { ago } from "../support/ago.ts";
import { amount } from "../support/amount.ts";

/** The overlap of an app's last rotation, as people are shown it. No secret is in it. Times as ISO 8601. */
export interface OverlapView {
  readonly until: string;
  readonly isOver: boolean;
  /** On the nodes that answered, since their start, with their latest uses; null where none did, or could be asked. */
  readonly uses: {
    readonly taken: number;
    readonly refused: number;
    readonly lastTakenAt: string | null;
    readonly lastRefusedAt: string | null;
  } | null;
}

/** @param now milliseconds since 1970. */
export function overlapOf(
  { app, id }: Normalized,
  nodes: readonly RegisteredNode[] | undefined,
  now: number,
): OverlapView | undefined {
  const until = app?.previousSecret?.until;
  if (until === undefined || id === undefined) return undefined;
  const uses = nodes && previousSecretUses(nodes).get(id);
  const isKnown = nodes?.length === 0 || nodes?.some(({ answer }) => answer) === true;
  return {
    until: timeOf(until),
    isOver: now >= until * 1_000,
    uses: isKnown
      ? {
          taken: uses?.taken ?? 0,
          refused: uses?.refused ?? 0,
          lastTakenAt: isoOrNull(uses?.lastTakenAt),
          lastRefusedAt: isoOrNull(uses?.lastRefusedAt),
        }
      : null,
  };
}

/** @param now milliseconds since 1970. */
export function overlapInWords({ until, isOver, uses }: OverlapView, now: number): string[] {
  const lines = [`${isOver ? "refused since" : "accepted until"} ${until}, by the clock of each node`];
  if (!uses) return lines;
  const { taken, refused, lastTakenAt, lastRefusedAt } = uses;
  lines.push(`used ${amount(taken, "time")}${since(lastTakenAt, now)}, on the nodes since they started`);
  if (refused > 0) lines.push(`refused ${amount(refused, "time")} after the end${since(lastRefusedAt, now)}`);
  return lines;
}

function since(at: string | null, now: number): string {
  return at === null ? "" : `, last ${ago(now - Date.parse(at))}`;
}

function isoOrNull(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString();
}
