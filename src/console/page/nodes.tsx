import { isWell, type NodeView } from "../../fleet/node-view.ts";
import type { ConsoleState } from "../state.ts";
import { LocalButtons } from "./local-buttons.tsx";
import { NodeDetails, type NodeProps } from "./node-details.tsx";
import { namesOf } from "./node-names.ts";
import { stateOf } from "./node-state.ts";

/** From so many on a node is a line that opens: cards would push everything else down. */
const COMPACT_FROM = 12;

interface NodesProps {
  readonly state: ConsoleState;
  /** How old what is known is, in milliseconds; null while it is of now. */
  readonly ageMs: number | null;
}

export function Nodes({ state, ageMs }: NodesProps) {
  const nameOf = namesOf(state.nodes, state.local);
  const isCompact = state.nodes.length >= COMPACT_FROM;
  const localOf = ({ pid, soketi }: NodeView) =>
    soketi === null ? undefined : state.local?.find((one) => one.pid === pid);
  const shown = state.nodes.map((node) => ({
    node,
    name: nameOf(node.node),
    shown: stateOf(node, ageMs),
    local: localOf(node),
    clock: state.clocks.find((clock) => clock.node === node.node),
  }));
  // One that has stopped in order has left the registry, and is not shown by it.
  const unregistered = (state.local ?? []).filter(
    (local) => local.state !== "running" && !state.nodes.some(({ pid }) => pid === local.pid),
  );
  // Those that somebody has to look at are not to be searched for.
  if (isCompact) shown.sort((a, b) => Number(isWell(a.node)) - Number(isWell(b.node)));
  return (
    <section aria-labelledby="nodes">
      <h2 id="nodes">Nodes</h2>
      {shown.length === 0 ? (
        <p class="quiet">
          No node is registered: start soketi with the agent, on this Redis and with this prefix.
        </p>
      ) : (
        <ul class={isCompact ? "tiles" : "cards"}>
          {shown.map((props) =>
            isCompact ? <Tile key={props.node.node} {...props} /> : <Card key={props.node.node} {...props} />,
          )}
        </ul>
      )}
      {unregistered.map((local) => (
        <div key={local.pid} class="ended">
          <b>{local.name}</b> has stopped. <LocalButtons name={local.name} local={local} />
        </div>
      ))}
    </section>
  );
}

function Card(props: NodeProps) {
  const { node, name, shown } = props;
  const { host, pid } = node;
  return (
    <li class={`card ${shown.level}`} data-pid={pid}>
      <h3>
        {name}{" "}
        <span class="quiet">
          {name === host ? "" : `${host}, `}pid {pid}
        </span>
      </h3>
      <p class={`state ${shown.level}`}>{shown.text}</p>
      <NodeDetails {...props} />
    </li>
  );
}

function Tile(props: NodeProps) {
  const { node, name, shown } = props;
  return (
    <li class={`tile ${shown.level}`} data-pid={node.pid}>
      <details>
        <summary>
          <b>{name}</b> <span class={`state ${shown.level}`}>{shown.text}</span>{" "}
          <span class="quiet">
            {node.behind === null || node.behind === 0 ? "" : `${node.behind} behind`}
          </span>
        </summary>
        <p class="quiet">
          {node.host}, pid {node.pid}
        </p>
        <NodeDetails {...props} />
      </details>
    </li>
  );
}
