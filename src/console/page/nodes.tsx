import type { NodeView } from "../../fleet/node-view.ts";
import type { ConsoleState, LocalNode } from "../state.ts";
import { Button } from "./button.tsx";
import { act } from "./local.ts";
import { namesOf } from "./node-names.ts";

export function Nodes({ state }: { state: ConsoleState }) {
  const nameOf = namesOf(state.nodes, state.local);
  const localOf = ({ pid, soketi }: NodeView) =>
    soketi === null ? undefined : state.local?.find((one) => one.pid === pid);
  return (
    <section aria-labelledby="nodes">
      <h2 id="nodes">Nodes</h2>
      {state.nodes.length === 0 ? (
        <p class="quiet">
          No node is registered: start soketi with the agent, on this Redis and with this prefix.
        </p>
      ) : (
        <ul class="cards">
          {state.nodes.map((node) => (
            <Node key={node.node} node={node} name={nameOf(node.node)} local={localOf(node)} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Node({ node, name, local }: { node: NodeView; name: string; local: LocalNode | undefined }) {
  const { host, pid, soketi, agent, answers, leaseMsLeft, leaseMs, behind, entries, hitRatio, lagMs } = node;
  const held = answers && leaseMsLeft > 0;
  return (
    <li class={held ? "card" : "card bad"} data-pid={pid}>
      <h3>
        {name}{" "}
        <span class="quiet">
          {name === host ? "" : `${host}, `}pid {pid}
        </span>
      </h3>
      <p class={held ? "state good" : "state bad"}>{stateOf(node)}</p>
      <meter
        min={0}
        max={leaseMs}
        value={answers ? leaseMsLeft : 0}
        aria-label={`lease of ${name}`}
        title="remaining lease"
      />
      <dl>
        <dt>lease</dt>
        <dd>{held ? `${(leaseMsLeft / 1_000).toFixed(1)} s` : "none"}</dd>
        <dt>behind</dt>
        <dd>{behind ?? "another log"}</dd>
        <dt>last lag</dt>
        <dd>{lagMs === null ? "–" : `${lagMs} ms`}</dd>
        <dt>apps cached</dt>
        <dd>{entries ?? "–"}</dd>
        <dt>cache hits</dt>
        <dd>{hitRatio === null ? "–" : `${(hitRatio * 100).toFixed(1)} %`}</dd>
        <dt>versions</dt>
        <dd>{soketi === null ? `follower ${agent}` : `soketi ${soketi}, agent ${agent}`}</dd>
      </dl>
      {local ? (
        <p class="actions">
          <Button label="Disconnect Redis" of={name} act={() => act("disconnect", { pid })} />
          {local.frozen ? (
            <Button label="Unfreeze Redis" of={name} act={() => act("thaw", { pid })} />
          ) : (
            <Button label="Freeze Redis" of={name} act={() => act("freeze", { pid })} />
          )}
        </p>
      ) : null}
    </li>
  );
}

function stateOf({ answers, leaseMsLeft, state }: NodeView): string {
  if (!answers) return "does not answer";
  if (leaseMsLeft === 0) return `no lease, ${state ?? "unknown"}`;
  return state ?? "unknown";
}
