import { setTimeout as pause } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { readCanaryApp } from "../../config/canary.ts";
import { announcedBy } from "../../fleet/announced-by.ts";
import { ageOf, type LogRow, rowsOf } from "../../fleet/log-rows.ts";
import { type MessageId, parseMessageId } from "../../protocol/message-id.ts";
import { READS_REPLICA } from "../../fleet/reads-replica.ts";
import { appIds, parseDuration } from "../support/arguments.ts";
import { changedValues } from "../support/changed-values.ts";
import { createCommand, type Run, runCommand } from "../support/command.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { InterruptedError } from "../support/errors.ts";
import { interruption } from "../support/interruption.ts";
import { nobodyReads } from "../support/lost-output.ts";
import { openClock } from "../support/redis-clock.ts";
import type { CommonOptions } from "../support/tools.ts";
import { gapBefore, lossBefore } from "./gaps.ts";

interface TailOptions extends CommonOptions {
  readonly since?: Since;
  readonly app?: readonly string[];
  readonly grep?: RegExp;
  readonly canary?: true;
  readonly follow: boolean;
}

/** All that the log has, what came after an id, or what is not older than some milliseconds. */
type Since = "all" | { readonly after: MessageId } | { readonly forMs: number };

/** One row of the log, as `--json` shows it. */
interface Line {
  readonly id: string;
  /** When the pipeline was invoked: milliseconds since 1970. */
  readonly at: number | null;
  /** Milliseconds since the table was written, or the pipeline invoked; null where that cannot be told. */
  readonly ageMs: number | null;
  readonly appId: LogRow["appId"];
  readonly type: LogRow["type"];
  readonly changed: LogRow["changed"];
  readonly app: LogRow["app"];
  /** Who has announced it. */
  readonly by: LogRow["by"];
  /** Why everything is forgotten; of a flush, and of a message that nodes cannot read. Of what was announced: why. */
  readonly reason: LogRow["reason"];
}

/** Between two looks at the log: nobody sees a shorter time. Milliseconds. */
const POLL_INTERVAL_MS = 50;

/** `tail`: invalidations as they come, and those of before. Reads the log, so that none is missed. */
export function createTailCommand(): Command {
  return createCommand("tail", "Show changes as they come: age, changed paths, values.", [
    "tail",
    "tail --since 10m --app acme",
    "tail --since all --no-follow --json | jq -r .appId | sort | uniq -c",
  ])
    .option("--since <when>", "start earlier: 10m, 2h, an id of the log, or all", since)
    .option("--app <id>", "only this app, and flushes; repeatable", appIds)
    .option("--grep <pattern>", "only lines whose JSON matches this regular expression", pattern)
    .option("--canary", "also show the canary's changes (docs/monitoring.md)")
    .option("--no-follow", "stop at the log's end")
    .action((options: TailOptions) => runCommand(options, (run) => tail(run, options)));
}

async function tail(run: Run, options: TailOptions): Promise<ExitCode> {
  const { since: from, follow } = options;
  const { terminal } = run;
  const fleet = await run.tools.fleet();
  const after = typeof from === "object" && "after" in from ? from.after : undefined;
  let cursor = from === undefined ? await fleet.tail() : after;
  // By Redis' clock: this machine's may be another. It is the function's that is compared with it.
  const clock = await openClock(fleet);
  const oldest = typeof from === "object" && "forMs" in from ? clock() - from.forMs : 0;
  const isWanted = filterOf(options, oldest);
  const interrupted = interruption();
  const ended = AbortSignal.any([interrupted, nobodyReads()]);
  let [readReplica, hasMissed] = [false, false];
  while (!ended.aborted) {
    const entries = await fleet.messages(cursor);
    const gap = gapBefore(entries[0], cursor, oldest);
    if (gap !== undefined) terminal.note(gap);
    hasMissed ||= gap !== undefined;
    for (const entry of entries) {
      cursor = entry.id;
      for (const line of rowsOf(entry).map((row) => lineOf(row, clock()))) {
        if (isWanted(line)) show(run, line);
      }
    }
    if (fleet.readsReplica !== readReplica) {
      readReplica = fleet.readsReplica;
      terminal.note(readReplica ? READS_REPLICA : "this is the primary now");
    }
    if (entries.length > 0) continue;
    const end = await fleet.tail();
    // A replica may be behind by itself.
    const loss = fleet.readsReplica ? undefined : lossBefore(end, cursor);
    if (loss !== undefined) {
      terminal.note(loss);
      hasMissed = true;
      cursor = end?.epoch === cursor?.epoch ? end : undefined;
      continue;
    }
    if (!follow) return readReplica || hasMissed ? EXIT.unseen : EXIT.ok;
    await pause(POLL_INTERVAL_MS, undefined, { signal: ended }).catch(() => undefined);
  }
  if (!follow && interrupted.aborted) throw new InterruptedError("interrupted before the log's end");
  return EXIT.ok;
}

/** @param oldest what is older is not wanted, in milliseconds since 1970. */
function filterOf({ app, grep, canary }: TailOptions, oldest: number): (line: Line) => boolean {
  const canaryApp = readCanaryApp(process.env);
  const isHidden = (appId: string | undefined) =>
    appId === canaryApp && canary === undefined && app?.includes(canaryApp) !== true;
  return (line) =>
    (line.at ?? oldest) >= oldest &&
    !isHidden(line.appId) &&
    (app === undefined || line.appId === undefined || app.includes(line.appId)) &&
    (grep === undefined || grep.test(JSON.stringify(line)));
}

function lineOf(row: LogRow, now: number): Line {
  const { message: id, at = null, appId, type, changed, app, by, reason } = row;
  return { id, at, ageMs: ageOf(row, now), appId, type, changed, app, by, reason };
}

function show({ terminal }: Run, line: Line): void {
  const { dim, bold, green, yellow, red } = terminal.colors;
  const paint = line.type === "created" ? green : line.type === "updated" ? yellow : red;
  terminal.value(line);
  terminal.print(
    [
      dim(line.at === null ? "                        " : new Date(line.at).toISOString()),
      dim(line.id),
      paint(line.type.padEnd(7)),
      bold(line.appId ?? "all apps"),
      line.ageMs === null ? "" : `age ${describeAge(line.ageMs)}`,
      line.by === undefined ? (line.reason ?? describeValues(line)) : describeValues(line),
      announcedBy(line) ?? "",
    ]
      .filter((part) => part !== "")
      .join("  ")
      // What others have written must not look like another change.
      .replace(/[\r\n]+/g, " "),
  );
}

function describeValues({ changed = [], app }: Line): string {
  if (changed.length > 0) return changedValues(changed, app).join(" ");
  return app ? `key=${app.key} enabled=${app.enabled} maxConnections=${app.limits.maxConnections}` : "";
}

function describeAge(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

function since(text: string): Since {
  if (text === "all") return text;
  const after = parseMessageId(text);
  if (after) return { after };
  const forMs = parseDuration(text);
  if (forMs !== undefined) return { forMs };
  throw new InvalidArgumentError("Expected a time such as 10m, an id such as 1764000000123-17, or all.");
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new InvalidArgumentError("Expected a regular expression.");
  }
}
