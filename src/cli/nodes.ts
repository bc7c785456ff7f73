import { setTimeout as pause } from "node:timers/promises";
import { Option, type Command } from "commander";
import { isWell, type NodeView, viewOf } from "../fleet/node-view.ts";
import { duration } from "./support/arguments.ts";
import { createCommand, running } from "./support/command.ts";
import { EXIT } from "./support/exit-codes.ts";
import { interruption } from "./support/interruption.ts";
import type { Terminal } from "./support/terminal.ts";
import type { CommonOptions } from "./support/tools.ts";

interface NodesOptions extends CommonOptions {
  readonly watch?: true | number;
}

/** `nodes`: every agent, as it says itself it is. */
export function createNodesCommand(): Command {
  return createCommand(
    "nodes",
    "Show every agent: lease, how far behind, entries, hit ratio, lag, apps in use and their bound.",
    ["nodes", "nodes --watch 2s", "nodes --json | jq '.[] | select(.leaseMsLeft == 0)'"],
  )
    .addOption(
      new Option("-w, --watch [every]", "again and again, each second or as often as said").argParser(
        duration,
      ),
    )
    .action((options: NodesOptions) =>
      running(options, async ({ tools, terminal }) => {
        const fleet = await tools.fleet();
        const look = async () => {
          const tail = await fleet.tail();
          return (await fleet.ask()).map((node) => viewOf(node, tail));
        };
        if (options.watch === undefined) {
          const views = await look();
          show(views, terminal);
          return views.every(isWell) ? EXIT.ok : EXIT.unwell;
        }
        const everyMs = options.watch === true ? 1_000 : options.watch;
        const ended = interruption();
        while (!ended.aborted) {
          const views = await look();
          // Back to the top left, and what was below is cleared.
          if (!terminal.json && process.stdout.isTTY) process.stdout.write("\u001b[H\u001b[J");
          show(views, terminal);
          await pause(everyMs, undefined, { signal: ended }).catch(() => undefined);
        }
        return EXIT.ok;
      }),
    );
}

function show(views: readonly NodeView[], terminal: Terminal): void {
  const { green, red, dim } = terminal.colors;
  terminal.value(views);
  const rows = views.map((view) => {
    const { host, pid, soketi, agent, answers, state, behind, leaseMsLeft, entries, hitRatio, lagMs } = view;
    const { appsInUse, inUseBoundMs } = view;
    const lease = leaseMsLeft > 0 ? green(`${(leaseMsLeft / 1_000).toFixed(1)} s`) : red("none");
    return [
      host,
      String(pid),
      soketi ?? dim("follower"),
      agent,
      answers ? lease : red("no answer"),
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
  if (rows.length === 0) terminal.say("no node is registered");
  else
    terminal.table(
      ["host", "pid", "soketi", "agent", "lease", "state", "behind", "entries", "hits", "lag", "apps in use"],
      rows,
    );
}
