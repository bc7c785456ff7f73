import { Option, type Command } from "commander";
import { READS_REPLICA } from "../../fleet/reads-replica.ts";
import { type LogWatch, watchLog } from "../../fleet/watch-log.ts";
import { type Confirmation, nodesToWaitFor, waitForNodes } from "../../fleet/wait-for-nodes.ts";
import { type MessageId, parseMessageId } from "../../protocol/message-id.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import type { Fleet } from "../../redis/fleet.ts";
import { amount } from "./amount.ts";
import { count, duration } from "./arguments.ts";
import type { Run } from "./command.ts";
import { RefusedChangeError } from "./errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { explain } from "./explain.ts";
import { ago } from "./ago.ts";
import { IF_GONE_OR_EXPECT, tooFewNodes } from "./node-advice.ts";

export interface WaitOptions {
  /** False with `--no-wait`. */
  readonly wait: boolean;
  /** Milliseconds. */
  readonly timeout: number;
  /** How many nodes there must be. */
  readonly expect?: number;
}

export function addWaitOptions(command: Command): Command {
  return command
    .addOption(new Option("--no-wait", "do not wait until every node has confirmed"))
    .addOption(new Option("--timeout <time>", "how long to wait").argParser(duration).default(30_000, "30s"))
    .addOption(
      new Option(
        "--expect <n>",
        "number of nodes that must confirm; only nodes with the agent can",
      ).argParser(count),
    );
}

/** The nodes that have to confirm a change; undefined if nobody waits for them. */
export type Awaited = readonly RegisteredNode[] | undefined;

export interface Watched {
  readonly nodes: readonly RegisteredNode[];
  readonly watch: LogWatch;
}

/**
 * To be called before a change is made: who is to confirm it is settled then. Undefined with `--no-wait`, and without Redis.
 *
 * @throws RefusedChangeError when Redis cannot be asked.
 */
export function beginWait(run: Run, options: WaitOptions): Promise<Awaited> {
  return unlessNobodyWaits(run, options, (fleet) => nodesToWaitFor(fleet));
}

/**
 * As `beginWait`, with the log from now on, for a change of which the function is going to tell.
 *
 * @throws RefusedChangeError when Redis cannot be asked.
 */
export function beginWatch(run: Run, options: WaitOptions): Promise<Watched | undefined> {
  return unlessNobodyWaits(run, options, async (fleet) => ({
    nodes: await nodesToWaitFor(fleet),
    watch: await watchLog(fleet),
  }));
}

async function unlessNobodyWaits<T>(
  run: Run,
  { wait }: WaitOptions,
  ask: (fleet: Fleet) => Promise<T>,
): Promise<T | undefined> {
  return wait && run.tools.config.redis ? orRefused(run, "nodes could not be watched", ask) : undefined;
}

/**
 * What is asked of Redis before a change that can be made without it.
 *
 * @param because completes "Nothing was done, because …".
 * @throws RefusedChangeError when Redis cannot be asked: it names `--no-wait`.
 */
export async function orRefused<T>(
  { tools }: Run,
  because: string,
  ask: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  try {
    return await ask(await tools.fleet());
  } catch (error) {
    throw new RefusedChangeError(
      `${explain(error, tools.config, tools.redisTrouble())}. Nothing was done, because ${because}. ` +
        "Pass --no-wait to do it anyway.",
      { cause: error },
    );
  }
}

/** A change that is in the table. */
export interface Written {
  /** When, on `performance.now()`. */
  readonly started: number;
  /** What `beginWatch` returned before. */
  readonly watched: Watched | undefined;
  /** The id of the message with which this command has announced it; undefined when it has not. */
  readonly announced: string | undefined;
  /** Waits for the pipeline's message about it; undefined when none comes in time. */
  readonly ofPipeline: (watch: LogWatch) => Promise<MessageId | undefined>;
  /** What brings it to the nodes when no such message comes, for people. */
  readonly remedy: string;
}

/**
 * Waits until every node has confirmed a change that is written, and for which nobody passed `--no-wait`. Never rejects for Redis.
 *
 * @param value what `--json` shows, besides the nodes.
 */
export async function confirmWritten(
  run: Run,
  { started, watched, announced, ofPipeline, remedy }: Written,
  options: WaitOptions,
  value?: object,
): Promise<ExitCode> {
  const { tools, terminal } = run;
  const unconfirmed = (why: string): ExitCode => {
    if (value) terminal.value(value);
    terminal.note(`written, but ${why}`);
    return EXIT.unconfirmed;
  };
  if (!watched) {
    return unconfirmed(
      "not confirmed: no Redis is configured. Set REDIS_URL to that of the nodes, or pass --no-wait",
    );
  }
  // Only the pipeline updates a shared cache: its message has to be waited for.
  const isInSharedCache = tools.config.sharedCache !== undefined;
  const isEnough = announced !== undefined && !isInSharedCache;
  let id: MessageId | string | undefined;
  try {
    id = isEnough ? announced : await ofPipeline(watched.watch);
  } catch (error) {
    return unconfirmed(`not confirmed: ${explain(error, tools.config, tools.redisTrouble())}`);
  }
  if (id === undefined) {
    return unconfirmed(
      `no message about it arrived within ${options.timeout / 1_000} s: is the function or the relay running? ` +
        `Run "soketi-app-sync doctor" to find out; ${remedy}`,
    );
  }
  return confirmByNodes(run, id, { started, nodes: watched.nodes, isInSharedCache }, options, value);
}

export interface Waiting {
  /** When the change was made, on `performance.now()`. */
  readonly started: number;
  readonly nodes: Awaited;
  /** The function has brought it into the shared cache: a fleet without the agent has it, and no node is there to confirm it. */
  readonly isInSharedCache?: boolean;
}

/**
 * Waits until every soketi node has applied a message, and tells how long it took. Never rejects for Redis: the change is
 * made, and not confirmed then.
 *
 * @param value what `--json` shows, besides the nodes.
 */
export async function confirmByNodes(
  { tools, terminal }: Run,
  id: MessageId | string,
  { started, nodes, isInSharedCache = false }: Waiting,
  options: WaitOptions,
  value?: object,
): Promise<ExitCode> {
  if (!nodes) {
    if (value) terminal.value(value);
    return EXIT.ok;
  }
  const wanted = typeof id === "string" ? parseMessageId(id) : id;
  const wait = { nodes, started, limitMs: options.timeout };
  let confirmations: Confirmation[];
  try {
    confirmations = await waitForNodes(await tools.fleet(), wanted, wait);
  } catch (error) {
    if (value) terminal.value(value);
    terminal.note(`done, but not confirmed: ${explain(error, tools.config, tools.redisTrouble())}`);
    return EXIT.unconfirmed;
  }
  terminal.value({ ...value, nodes: confirmations });
  for (const one of confirmations)
    terminal.print(`  ${one.host} ${one.pid}: ${inWords(one, terminal.colors.red)}`);
  const complaint = complaintOf(confirmations, options, isInSharedCache);
  if (complaint !== undefined) {
    terminal.note(complaint);
    if ((await tools.fleet()).readsReplica) terminal.note(READS_REPLICA);
    return EXIT.unconfirmed;
  }
  const confirmed = confirmations.filter(({ confirmedAfterMs }) => confirmedAfterMs !== null);
  terminal.print(
    confirmed.length === 0
      ? "no node is registered: nothing to wait for"
      : `in effect on ${amount(confirmed.length, "node")}`,
  );
  return EXIT.ok;
}

function inWords({ confirmedAfterMs, lastSeenMsAgo }: Confirmation, red: (text: string) => string): string {
  if (confirmedAfterMs !== null) return `confirmed after ${confirmedAfterMs} ms`;
  if (lastSeenMsAgo === null) return red("not confirmed");
  return red(`not confirmed: it vanished, last seen ${ago(lastSeenMsAgo)}`);
}

/** Why it cannot be said that the change is in force everywhere; undefined when it can. */
function complaintOf(
  confirmations: readonly Confirmation[],
  { timeout, expect }: WaitOptions,
  isInSharedCache: boolean,
): string | undefined {
  const missing = confirmations.filter(({ confirmedAfterMs }) => confirmedAfterMs === null);
  const silent = missing.filter(({ lastSeenMsAgo }) => lastSeenMsAgo !== null);
  const late = missing.length - silent.length;
  const confirmed = confirmations.length - missing.length;
  if (late > 0) {
    return (
      `${amount(missing.length, "node")} of ${confirmations.length} did not confirm within ${timeout / 1_000} s: ` +
      "check them with: soketi-app-sync nodes"
    );
  }
  if (expect !== undefined) {
    if (confirmed >= expect) return undefined;
    return tooFewNodes(expect, confirmed, "to confirm");
  }
  if (silent.length > 0) {
    const count = `${amount(silent.length, "node")} of ${confirmations.length}`;
    return `${count} vanished and did not confirm. ${IF_GONE_OR_EXPECT}`;
  }
  if (confirmed > 0 || isInSharedCache) return undefined;
  return "done, but no node is registered to confirm it: check APP_SYNC_PREFIX and Redis, or pass --no-wait";
}
