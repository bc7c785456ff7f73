import type { NodeView } from "../../fleet/node-view.ts";
import { announcedBy } from "../../fleet/announced-by.ts";
import { valueAt } from "../../app/public-view.ts";
import type { ChangeRow, ConsoleState } from "../state.ts";
import { Button } from "./button.tsx";
import { act } from "./local.ts";
import { namesOf } from "./node-names.ts";

/** Nodes with a column each; of more there is the slowest. */
const COLUMNS = 6;

const BUTTONS = [
  ["limit", "Change acme's limit"],
  ["secret", "Rotate acme's secret"],
  ["disable", "Disable acme"],
  ["enable", "Enable acme"],
] as const;

const FROM_INVOCATION = "from the function's invocation to the drop";

export function Changes({ state }: { state: ConsoleState }) {
  const nodes = state.nodes.filter(({ soketi }) => soketi !== null);
  const heads = headsOf(nodes, namesOf(state.nodes, state.local));
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
                <th scope="col" class="number" title="from the write to the function's invocation">
                  table to function
                </th>
                <th scope="col">invoked</th>
                <th scope="col">app</th>
                <th scope="col">what</th>
                {heads.map((head) => (
                  <th key={head} scope="col" class="number" title={FROM_INVOCATION}>
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {state.changes.map((row) => (
                <Row key={row.id} row={row} nodes={nodes} heads={heads} local={state.local !== null} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

interface RowProps {
  readonly row: ChangeRow;
  readonly nodes: readonly NodeView[];
  /** Of the nodes' columns: on a narrow screen each row says them itself. */
  readonly heads: readonly string[];
  readonly local: boolean;
}

function Row({ row, nodes, heads, local }: RowProps) {
  return (
    <tr>
      <td class="number" data-label="table to function">
        {streamLag(row, local) ?? <Unknown />}
      </td>
      <td class="id">{row.at === undefined ? "–" : timeOf(row.at)}</td>
      <td class="name">
        {row.appId ?? <b>{row.bulk ? `${row.bulk.apps.toLocaleString("en")} apps` : "all apps"}</b>}
      </td>
      <td class="what">
        <span class={`type ${row.type}`}>{typeOf(row)}</span> {wordsOf(row)}
      </td>
      {dropsOf(row, nodes).map((text, i) => (
        <td key={i} class="number" data-label={heads[i]}>
          {text ?? <Unknown />}
        </td>
      ))}
    </tr>
  );
}

function Unknown() {
  return (
    <span class="quiet" aria-label="not known">
      ·
    </span>
  );
}

function headsOf(nodes: readonly NodeView[], nameOf: (node: string) => string): string[] {
  return nodes.length > COLUMNS ? ["dropped on", "slowest"] : nodes.map(({ node }) => nameOf(node));
}

function dropsOf({ drops }: ChangeRow, nodes: readonly NodeView[]): (string | undefined)[] {
  const lags = nodes.map(({ node }) => drops[node]);
  if (nodes.length <= COLUMNS) return lags.map((lag) => (lag === undefined ? undefined : `+${lag} ms`));
  const known = lags.filter((lag) => lag !== undefined);
  if (known.length === 0) return [undefined, undefined];
  return [`${known.length} of ${nodes.length}`, `+${Math.max(...known)} ms`];
}

/** The function tells of no update in which nothing has changed: somebody has asked for the app to be read again. */
function isInvalidation({ type, changed }: ChangeRow): boolean {
  return type === "updated" && changed.length === 0;
}

function typeOf(row: ChangeRow): string {
  return isInvalidation(row) ? "invalidated" : row.type;
}

/** Changed paths with what they are now. */
function wordsOf(row: ChangeRow): string {
  const { by, reason, changed, app } = row;
  if (by === undefined && reason !== undefined) return reason;
  const announced = announcedBy(row);
  if (isInvalidation(row)) {
    const words = `every node reads ${row.appId === undefined ? "them" : "it"} again`;
    return announced === undefined ? words : `${words}, ${announced}`;
  }
  const words = changed
    .map((path) => {
      const value = valueAt(app, path);
      return value === undefined || typeof value === "object" ? path : `${path} = ${JSON.stringify(value)}`;
    })
    .join(", ");
  return [words, namedOf(row), announced].filter(Boolean).join(" ");
}

/** Some of many apps; of one app, how often. */
function namedOf({ bulk }: ChangeRow): string {
  if (!bulk) return "";
  if (bulk.apps === 1) return `(${bulk.changes.toLocaleString("en")} times)`;
  return `(${bulk.named.join(", ")}${bulk.apps > bulk.named.length ? ", …" : ""})`;
}

/** DynamoDB Local tells the minute of a write only: that says nothing. */
function streamLag({ at, writtenAt, wroteAt }: ChangeRow, local: boolean): string | undefined {
  if (at !== undefined && wroteAt !== undefined) return `${at - wroteAt} ms`;
  if (at === undefined || writtenAt === undefined || local) return undefined;
  return `about ${Math.max(0, Math.round((at - writtenAt) / 1_000))} s`;
}

function timeOf(at: number): string {
  const time = new Date(at);
  return `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}
