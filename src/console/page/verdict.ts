import { elapsed } from "../../fleet/elapsed.ts";
import { boundOf, isWell, type NodeView } from "../../fleet/node-view.ts";
import type { ConsoleState } from "../state.ts";
import { canaryFinding, canaryNote } from "./canary.ts";
import { namesOf } from "./node-names.ts";

type Level = "good" | "warn" | "bad";

export interface Verdict {
  readonly level: Level;
  readonly text: string;
}

/** How much of what is shown is of now. */
export interface Freshness {
  /** Whether the page hears the console. */
  readonly connected: boolean;
  /** How long ago the nodes were asked, by the console's clock, in milliseconds; null before. */
  readonly ageMs: number | null;
}

/** Nodes that are named; of more only the number is told. */
const NAMED = 3;

/** The nodes are asked once a second, and one that is silent is waited for one and a half. Milliseconds. */
const FRESH_MS = 4_000;

/** Whether what is known of the nodes is known now. */
export function isFresh({ redisTrouble }: ConsoleState, { connected, ageMs }: Freshness): boolean {
  return connected && redisTrouble === null && ageMs !== null && ageMs <= FRESH_MS;
}

/** The whole in one sentence or two, the worst first: good only if every node that is known was seen up to date just now. */
export function verdictOf(state: ConsoleState, freshness: Freshness): Verdict {
  const found = isFresh(state, freshness) ? findings(state) : [unknown(state, freshness)];
  const [worst] = found;
  if (!worst) return { level: "good", text: allWell(state) };
  return { level: worst.level, text: found.map(({ text }) => text).join(" ") };
}

function unknown({ redisTrouble }: ConsoleState, { connected, ageMs }: Freshness): Verdict {
  const seen = ageMs === null ? "No node was seen yet." : `The nodes were seen ${elapsed(ageMs)} ago.`;
  if (!connected) {
    return { level: "bad", text: `Lost the connection to the console. Reconnecting … ${seen}` };
  }
  const why = redisTrouble ?? "Redis has not answered since";
  return { level: "bad", text: `Nothing is known at the moment: ${why}. ${seen}` };
}

/** The worst first. */
function findings(state: ConsoleState): Verdict[] {
  const soketi = state.nodes.filter((node) => node.soketi !== null);
  const found = [
    ...unwell(state, soketi),
    ...table(state),
    ...canaryFinding(state),
    ...behind(soketi),
    ...log(state),
  ];
  if (soketi.length === 0) found.push({ level: "warn", text: "No node is registered." });
  return found.sort((a, b) => Number(b.level === "bad") - Number(a.level === "bad"));
}

function unwell({ nodes, local }: ConsoleState, soketi: readonly NodeView[]): Verdict[] {
  const found = soketi.filter((node) => !isWell(node));
  if (found.length === 0) return [];
  const nameOf = namesOf(nodes, local);
  const named = found.slice(0, NAMED).map((node) => `${nameOf(node.node)} ${troubleOf(node)}`);
  const more = found.length > NAMED ? `, and ${found.length - NAMED} more of ${soketi.length}` : "";
  return [
    { level: "bad", text: `${named.join(", ")}${more}: without Redis ${boundOf(found)} without a new read.` },
  ];
}

function troubleOf({ answers, lastSeenMsAgo }: NodeView): string {
  if (lastSeenMsAgo !== null) return `vanished, last seen ${elapsed(lastSeenMsAgo)} ago`;
  return answers ? "has no lease" : "does not answer";
}

function table({ tableTrouble, table: name }: ConsoleState): Verdict[] {
  return tableTrouble === null
    ? []
    : [{ level: "bad", text: `Table ${name} cannot be read: ${tableTrouble}.` }];
}

function behind(soketi: readonly NodeView[]): Verdict[] {
  const found = soketi.filter((node) => isWell(node) && (node.behind === null || node.behind > 0));
  if (found.length === 0) return [];
  return [{ level: "warn", text: `${found.length} of ${soketi.length} nodes are catching up.` }];
}

function log({ logState }: ConsoleState): Verdict[] {
  if (logState !== "gone") return [];
  const text =
    "The log is gone: it was deleted, or Redis has lost it. The nodes read all apps again, and the next change begins another.";
  return [{ level: "warn", text }];
}

function allWell(state: ConsoleState): string {
  const { nodes, logState } = state;
  const count = nodes.filter((node) => node.soketi !== null).length;
  const all = count === 1 ? "The node is up to date" : `All ${count} nodes are up to date`;
  const published = logState === "none" ? `${all}: nothing was published yet.` : `${all}.`;
  return [published, ...canaryNote(state)].join(" ");
}
