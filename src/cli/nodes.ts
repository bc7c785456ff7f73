import { setTimeout as pause } from "node:timers/promises";
import { Option, type Command } from "commander";
import { READS_REPLICA } from "../fleet/reads-replica.ts";
import { isWell, type NodeView, viewOf } from "../fleet/node-view.ts";
import type { Fleet } from "../redis/fleet.ts";
import { otherPrefixes } from "../redis/inspection.ts";
import { ago } from "./support/ago.ts";
import { amount } from "./support/amount.ts";
import { count, interval } from "./support/arguments.ts";
import { createCommand, type Run, runCommand } from "./support/command.ts";
import { EXIT, type ExitCode } from "./support/exit-codes.ts";
import { IF_GONE, tooFewNodes } from "./support/node-advice.ts";
import { interruption } from "./support/interruption.ts";
import { nobodyReads } from "./support/lost-output.ts";
import type { Terminal } from "./support/terminal.ts";
import type { CommonOptions, Tools } from "./support/tools.ts";

interface NodesOptions extends CommonOptions {
  readonly watch?: true | number;
  readonly expect?: number;
  readonly forget?: true;
}

/** Between two looks with `--watch`, unless it is said otherwise. Milliseconds. */
const DEFAULT_INTERVAL_MS = 1_000;

/** `nodes`: every agent, as it says itself it is. */
export function createNodesCommand(): Command {
  return createCommand(
    "nodes",
    "Show every node: lease, messages behind, cached apps, hit ratio, lag, and how soon it reads apps in use again.",
    [
      "nodes",
      "nodes --watch 2s",
      "nodes --expect 4",
      "nodes --forget",
      "nodes --json | jq '.[] | select(.leaseMsLeft == 0)'",
    ],
  )
    .addOption(
      new Option("-w, --watch [every]", "refresh every second, or at this interval").argParser(interval),
    )
    .option("--expect <n>", "expected number of soketi nodes", count)
    .option("--forget", "forget nodes that vanished")
    .action((options: NodesOptions) => runCommand(options, (run) => nodes(run, options)));
}

async function nodes(run: Run, options: NodesOptions): Promise<ExitCode> {
  const fleet = await run.tools.fleet();
  if (options.forget) await forgetVanished(run, fleet);
  const { watch, expect } = options;
  if (watch === undefined) return showOnce(run, fleet, expect);
  await showAgainAndAgain(run, fleet, watch === true ? DEFAULT_INTERVAL_MS : watch, expect);
  return EXIT.ok;
}

async function forgetVanished({ terminal }: Run, fleet: Fleet): Promise<void> {
  const vanished = (await fleet.registered()).filter(({ silentMs }) => silentMs !== undefined);
  await fleet.forget(vanished.map(({ id }) => id));
  terminal.note(`${amount(vanished.length, "node")} forgotten`);
}

async function viewsOf(fleet: Fleet): Promise<NodeView[]> {
  // First: no node can be behind what comes later.
  const tail = await fleet.tail();
  return (await fleet.ask()).map((node) => viewOf(node, tail));
}

async function showOnce(
  { tools, terminal }: Run,
  fleet: Fleet,
  expect: number | undefined,
): Promise<ExitCode> {
  const views = await viewsOf(fleet);
  show(views, terminal);
  if (fleet.readsReplica) terminal.note(READS_REPLICA);
  const complaint = complaintOf(views, expect, await elsewhere(views, tools));
  if (complaint !== undefined) terminal.note(complaint);
  if (!views.every(isThere)) terminal.note(IF_GONE);
  // Who says how many there must be has counted without those that are gone.
  const counted = expect === undefined ? views : views.filter(isThere);
  const isHealthy = complaint === undefined && !fleet.readsReplica && counted.every(isWellHere);
  return isHealthy ? EXIT.ok : EXIT.unwell;
}

/** Until Ctrl-C, or until nobody reads it. */
async function showAgainAndAgain(
  { terminal }: Run,
  fleet: Fleet,
  everyMs: number,
  expect: number | undefined,
): Promise<void> {
  const ended = AbortSignal.any([interruption(), nobodyReads()]);
  while (!ended.aborted) {
    const views = await viewsOf(fleet);
    // Back to the top left, and what was below is cleared.
    if (!terminal.json && process.stdout.isTTY) process.stdout.write("\u001b[H\u001b[J");
    show(views, terminal);
    if (fleet.readsReplica) terminal.note(READS_REPLICA);
    const complaint = complaintOf(views, expect, []);
    if (complaint !== undefined) terminal.print(terminal.colors.red(complaint));
    await pause(everyMs, undefined, { signal: ended }).catch(() => undefined);
  }
}

/** Of another log a node learns nothing of this one, lease or not. */
const isWellHere = (view: NodeView) => isWell(view) && (view.soketi === null || view.behind !== null);

const isThere = ({ lastSeenMsAgo }: NodeView) => lastSeenMsAgo === null;

/** Prefixes at which nodes are, when none is at this one. */
async function elsewhere(views: readonly NodeView[], tools: Tools): Promise<string[]> {
  return views.length > 0 ? [] : otherPrefixes(await tools.redis(), tools.config.names);
}

/** What the table of nodes does not show by itself. */
function complaintOf(
  views: readonly NodeView[],
  expect: number | undefined,
  others: readonly string[],
): string | undefined {
  const there = views.filter(({ soketi, answers }) => soketi !== null && answers).length;
  if (expect !== undefined && there < expect) {
    return tooFewNodes(expect, there);
  }
  if (views.some(({ soketi }) => soketi !== null)) return undefined;
  const hint = others.length > 0 ? `; found nodes at ${others.slice(0, 3).join(", ")}` : "";
  return `no soketi node is registered here: check APP_SYNC_PREFIX and Redis${hint}`;
}

function show(views: readonly NodeView[], terminal: Terminal): void {
  const { green, red, dim } = terminal.colors;
  terminal.value(views);
  const rows = views.map((view) => {
    const { host, pid, soketi, agent, answers, state, behind, leaseMsLeft, entries, hitRatio, lagMs } = view;
    const { appsInUse, inUseBoundMs, lastSeenMsAgo } = view;
    const lease = leaseMsLeft > 0 ? green(`${(leaseMsLeft / 1_000).toFixed(1)} s`) : red("none");
    return [
      host,
      String(pid),
      soketi ?? dim("follower"),
      agent,
      answers
        ? lease
        : red(lastSeenMsAgo === null ? "no answer" : `vanished, last seen ${ago(lastSeenMsAgo)}`),
      state ?? "",
      behind === null ? "another log" : String(behind),
      entries === null ? "" : String(entries),
      hitRatio === null ? "" : `${(hitRatio * 100).toFixed(1)} %`,
      lagMs === null ? "" : `${lagMs} ms`,
      appsInUse === null || inUseBoundMs === null
        ? ""
        : `${appsInUse} in ${(inUseBoundMs / 1_000).toFixed(1)} s`,
    ];
  });
  if (rows.length === 0) terminal.print("no node is registered");
  else
    terminal.table(
      ["host", "pid", "soketi", "agent", "lease", "state", "behind", "entries", "hits", "lag", "apps in use"],
      rows,
    );
}
