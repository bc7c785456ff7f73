import { skewInWords } from "../../fleet/clock-skew.ts";
import type { NodeView } from "../../fleet/node-view.ts";
import type { ClockSkew, LocalNode } from "../state.ts";
import { LocalButtons } from "./local-buttons.tsx";
import type { NodeState } from "./node-state.ts";

/** What one node is shown by. */
export interface NodeProps {
  readonly node: NodeView;
  readonly name: string;
  readonly shown: NodeState;
  readonly local: LocalNode | undefined;
  readonly clock: ClockSkew | undefined;
}

/** All that is known of a node: its answer of now, or the last one. */
export function NodeDetails({ node, name, shown, local, clock }: NodeProps) {
  const { soketi, agent, leaseMsLeft, leaseMs, behind, entries, hitRatio } = node;
  const held = shown.level === "good";
  return (
    <>
      <meter
        min={0}
        max={leaseMs}
        value={held ? leaseMsLeft : 0}
        aria-label={`lease of ${name}`}
        title="remaining lease"
      />
      <dl>
        <dt>lease</dt>
        <dd>
          {held ? `${(leaseMsLeft / 1_000).toFixed(1)} s` : shown.level === "stale" ? "not known" : "none"}
        </dd>
        <dt>behind</dt>
        <dd>{behind ?? "another log"}</dd>
        <dt>last lag</dt>
        <dd>{lagOf(node, clock)}</dd>
        <dt>apps cached</dt>
        <dd>{entries ?? "–"}</dd>
        <dt>cache hits</dt>
        <dd>{hitRatio === null ? "–" : `${(hitRatio * 100).toFixed(1)} %`}</dd>
        <dt>versions</dt>
        <dd>{soketi === null ? `follower ${agent}` : `soketi ${soketi}, agent ${agent}`}</dd>
      </dl>
      {local ? <LocalButtons name={name} local={local} /> : null}
    </>
  );
}

function lagOf({ lagMs }: NodeView, clock: ClockSkew | undefined): string {
  if (clock) return `not known: its clock is ${skewInWords(clock.ms)}`;
  return lagMs === null ? "–" : `${lagMs} ms`;
}
