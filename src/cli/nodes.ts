import { setTimeout as pause } from "node:timers/promises";
import { Option, type Command } from "commander";
import { READS_REPLICA } from "../fleet/reads-replica.ts";
import { isWell, type NodeView, viewOf } from "../fleet/node-view.ts";
import { otherPrefixes } from "../redis/inspection.ts";
import { ago } from "./support/ago.ts";
import { amount } from "./support/amount.ts";
import { count, interval } from "./support/arguments.ts";
import { createCommand, runCommand } from "./support/command.ts";
import { EXIT } from "./support/exit-codes.ts";
import { IF_GONE } from "./support/forget.ts";
import { interruption, nobodyReads } from "./support/interruption.ts";
import type { Terminal } from "./support/terminal.ts";
import type { CommonOptions, Tools } from "./support/tools.ts";

interface NodesOptions extends CommonOptions {
  readonly watch?: true | number;
  readonly expect?: number;
  readonly forget?: true;
}

/** `nodes`: every agent, as it says itself it is. */
export function createNodesCommand(): Command {
  return createCommand(
    "nodes",
    "Show every agent: lease, messages behind, entries, hit ratio, lag, apps in use and their bound.",
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
    .action((options: NodesOptions) =>
      runCommand(options, async ({ tools, terminal }) => {
        const fleet = await tools.fleet();
        if (options.forget) {
          const left = (await fleet.registered()).filter(({ silentMs }) => silentMs !== undefined);
          await fleet.forget(left.map(({ id }) => id));
          terminal.note(`${amount(left.length, "node")} forgotten`);
        }
        const look = async () => {
          const tail = await fleet.tail();
          return (await fleet.ask()).map((node) => viewOf(node, tail));
        };
        if (options.watch === undefined) {
          const views = await look();
          show(views, terminal);
          if (fleet.readsReplica) terminal.note(READS_REPLICA);
          const complaint = complaintOf(views, options.expect, await elsewhere(views, tools));
          if (complaint !== undefined) terminal.note(complaint);
          if (!views.every(isThere)) terminal.note(IF_GONE);
          // Who says how many there must be has counted without those that are gone.
          const counted = options.expect === undefined ? views : views.filter(isThere);
          return complaint === undefined && !fleet.readsReplica && counted.every(isWellHere)
            ? EXIT.ok
            : EXIT.unwell;
        }
        const everyMs = options.watch === true ? 1_000 : options.watch;
        const ended = AbortSignal.any([interruption(), nobodyReads()]);
        while (!ended.aborted) {
          const views = await look();
          // Back to the top left, and what was below is cleared.
          if (!terminal.json && process.stdout.isTTY) process.stdout.write("\u001b[H\u001b[J");
          show(views, terminal);
          if (fleet.readsReplica) terminal.note(READS_REPLICA);
          const complaint = complaintOf(views, options.expect, []);
          if (complaint !== undefined) terminal.print(terminal.colors.red(complaint));
          await pause(everyMs, undefined, { signal: ended }).catch(() => undefined);
        }
        return EXIT.ok;
      }),
    );
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
    return `expected ${amount(expect, "node")}, found ${there}: nodes without the agent, or on another Redis or prefix, cannot be seen`;
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
