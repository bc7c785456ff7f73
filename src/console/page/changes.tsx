import { valueAt } from "../own-writes.ts";
import type { ChangeRow, ConsoleState } from "../state.ts";
import { Button } from "./button.tsx";
import { act } from "./local.ts";

/** Rows that are shown: more than a screen, fewer than the browser minds. */
const SHOWN = 50;

const BUTTONS = [
  ["limit", "Change acme's limit"],
  ["secret", "Rotate acme's secret"],
  ["disable", "Disable acme"],
  ["enable", "Enable acme"],
] as const;

export function Changes({ state }: { state: ConsoleState }) {
  const nodes = state.nodes.filter(({ soketi }) => soketi !== null);
  return (
    <section aria-labelledby="changes">
      <h2 id="changes">Changes</h2>
      {state.local ? (
        <p class="actions">
          {BUTTONS.map(([what, label]) => (
            <Button key={what} label={label} act={() => act("change", { what })} />
          ))}
        </p>
      ) : null}
      {state.changes.length === 0 ? (
        <p class="quiet">None yet. A write to the table shows up here.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-labelledby="changes">
          <table>
            <thead>
              <tr>
                <th class="number" title="from the write to the table to the function's invocation">
                  table to function
                </th>
                <th>invoked</th>
                <th>app</th>
                <th>what</th>
                {nodes.map(({ node, pid }) => (
                  <th
                    key={node}
                    class="number"
                    title="from the function's invocation to the drop on this node"
                  >
                    node {pid}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {state.changes.slice(0, SHOWN).map((row) => (
                <tr key={row.id}>
                  <td class="number">{streamLag(row, state.local)}</td>
                  <td class="id">{row.at === undefined ? "–" : timeOf(row.at)}</td>
                  <td>{row.appId ?? <b>all apps</b>}</td>
                  <td>
                    <span class={`type ${row.type}`}>{row.type}</span> {wordsOf(row)}
                  </td>
                  {nodes.map(({ node }) => (
                    <td key={node} class="number">
                      {row.drops[node] === undefined ? (
                        <span class="quiet">·</span>
                      ) : (
                        `+${row.drops[node]} ms`
                      )}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** Changed paths with what they are now. */
function wordsOf({ reason, changed, app }: ChangeRow): string {
  if (reason !== undefined) return reason;
  return changed
    .map((path) => {
      const value = valueAt(app, path);
      return value === undefined || typeof value === "object" ? path : `${path} = ${JSON.stringify(value)}`;
    })
    .join(", ");
}

/** DynamoDB Local tells the minute of a write only: that says nothing. */
function streamLag({ at, writtenAt, wroteAt }: ChangeRow, local: boolean) {
  if (at !== undefined && wroteAt !== undefined) return `${at - wroteAt} ms`;
  if (at === undefined || writtenAt === undefined || local) return <span class="quiet">·</span>;
  return `about ${Math.max(0, Math.round((at - writtenAt) / 1_000))} s`;
}

function timeOf(at: number): string {
  const time = new Date(at);
  const two = (number: number) => String(number).padStart(2, "0");
  const ms = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${ms}`;
}
