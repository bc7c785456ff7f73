import type { Command } from "commander";
import { describeTable, type TableShape } from "../../aws/describe-table.ts";
import { countListeners, inspectLog, inspectRedis, otherPrefixes } from "../../redis/inspection.ts";
import type { RedisConnection } from "../../redis/library.ts";
import { count } from "../support/arguments.ts";
import { createCommand, type Run, runCommand } from "../support/command.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { explain } from "../support/explain.ts";
import { problemsFor } from "../support/server-problems.ts";
import type { CommonOptions, Tools } from "../support/tools.ts";
import type { Terminal } from "../support/terminal.ts";
import { readCanaryResults } from "../../fleet/canary-results.ts";
import { activeRelay } from "./active-relay.ts";
import { checkCanary } from "./canary.ts";
import { type Check, fail, skipped, unseen } from "./check.ts";
import { checkClocks } from "./clocks.ts";
import { checkFlushes } from "./flushes.ts";
import { checkItems } from "./items.ts";
import { lastOfFunction, messagesOfLastHour } from "./last-hour.ts";
import { checkListeners } from "./listeners.ts";
import { checkMappings, checkRelay } from "./mapping.ts";
import { checkNodes } from "./nodes.ts";
import { checkPrimary, type PrimaryShape, serverOf } from "./primary.ts";
import { checkPreviousSecrets } from "./previous-secrets.ts";
import { adviceOn, checkLog, checkRedis } from "./redis.ts";
import { checkTable } from "./table.ts";

/** `doctor`: table, stream, mapping, Redis, log, nodes. Each line says what was found and what to do. */
export function createDoctorCommand(): Command {
  return createCommand("doctor", "Check table, stream, function, Redis, log and nodes, and say what to do.", [
    "doctor",
    "doctor --items --expect 4",
    "doctor --json | jq -r '.[] | select(.level == \"fail\").advice'",
  ])
    .option(
      "--items",
      "also check every item: read the whole table for items with problems and keys that two apps share",
    )
    .option("--expect <n>", "expected number of soketi nodes; only nodes with the agent can be seen", count)
    .option("--strict", "exit with 2 for warnings, too")
    .action((options: DoctorOptions) => runCommand(options, (run) => doctor(run, options)));
}

interface DoctorOptions extends CommonOptions {
  readonly items?: true;
  readonly expect?: number;
  readonly strict?: true;
}

async function doctor({ tools, terminal }: Run, options: DoctorOptions): Promise<ExitCode> {
  const [table, redis] = await Promise.all([
    tableChecks(tools, options.items ?? false),
    redisChecks(tools, options.expect),
  ]);
  const checks = [...table, ...redis];
  terminal.value(checks);
  show(terminal, checks);
  tellOutcome(terminal, checks);
  return exitCodeOf(checks, options);
}

function tellOutcome(terminal: Terminal, checks: readonly Check[]): void {
  const number = (level: Check["level"]) => checks.filter((check) => check.level === level).length;
  const [failed, warned, unlooked] = [number("fail"), number("warning"), number("not checked")];
  const { green } = terminal.colors;
  terminal.print();
  if (failed + warned + unlooked === 0) terminal.print(green("everything that was checked is healthy"));
  else terminal.print(`${failed} failed, ${warned} warned, ${unlooked} not checked`);
}

/** A warning alone is no failure, as with most linters: some are somebody's decision. */
export function exitCodeOf(
  checks: readonly Pick<Check, "level">[],
  { strict = false }: { readonly strict?: boolean },
): ExitCode {
  const has = (level: Check["level"]) => checks.some((check) => check.level === level);
  if (has("fail") || (strict && has("warning"))) return EXIT.unwell;
  return has("not checked") ? EXIT.unseen : EXIT.ok;
}

function show(terminal: Terminal, checks: readonly Check[]): void {
  const { green, yellow, red, dim, bold } = terminal.colors;
  const marks = {
    ok: green("ok           "),
    warning: yellow("warning      "),
    fail: red("fail         "),
    skipped: dim("skipped      "),
    "not checked": yellow("not checked"),
  };
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, level, found, advice } of checks) {
    terminal.print(`${marks[level]}  ${bold(name.padEnd(width))}  ${found}`);
    if (advice !== undefined) terminal.print(`               ${" ".repeat(width)}  ${advice}`);
  }
}

async function tableChecks(tools: Tools, withItems: boolean): Promise<Check[]> {
  const { config } = tools;
  let shape: TableShape | undefined;
  try {
    shape = await describeTable((await tools.dynamodb()).tables, config.table);
  } catch (error) {
    return [
      fail(
        "table",
        explain(error, config),
        "Check --table, --region and --endpoint, the credentials, and the network.",
      ),
      ...["key schema", "index", "stream", "event source mapping", "items"].map((name) =>
        unseen(name, "the table is unreachable"),
      ),
    ];
  }
  return [
    ...checkTable(config.table, shape),
    ...(await mappingChecks(tools, shape)),
    ...(await itemChecks(tools, shape, withItems)),
  ];
}

async function mappingChecks(tools: Tools, shape: TableShape | undefined): Promise<Check[]> {
  const { config } = tools;
  const name = "event source mapping";
  if (shape?.streamArn === undefined) return [skipped(name, "no stream")];
  const emulated = process.env.AWS_ENDPOINT_URL ?? process.env.AWS_ENDPOINT_URL_LAMBDA;
  const asked = await activeRelay(tools, shape.streamArn);
  const relay = asked ?? undefined;
  if (config.dynamodbEndpoint !== undefined && emulated === undefined) {
    return relay === undefined
      ? [skipped(name, "the table is local: there is no Lambda to ask")]
      : [checkRelay(relay)];
  }
  try {
    const { listMappings } = await import("../../aws/lambda-mappings.ts");
    const mappings = await listMappings(shape.streamArn, config.region);
    if (mappings.length === 0 && asked === null) {
      return [unseen(name, "no function reads the stream, and Redis could not be asked for a relay")];
    }
    return checkMappings(mappings, relay);
  } catch (error) {
    if (relay !== undefined) return [checkRelay(relay)];
    return [
      unseen(
        name,
        `Lambda could not be asked: ${explain(error, config)}`,
        "Allow lambda:ListEventSourceMappings to check it.",
      ),
    ];
  }
}

async function itemChecks(tools: Tools, shape: TableShape | undefined, withItems: boolean): Promise<Check[]> {
  if (!shape) return [];
  if (!withItems) return [skipped("items", "not requested: --items reads the whole table")];
  try {
    return await checkItems((await tools.items()).pages(), problemsFor(tools.config));
  } catch (error) {
    return [unseen("items", explain(error, tools.config), "Allow dynamodb:Scan on the table to check them.")];
  }
}

async function redisChecks(tools: Tools, expected: number | undefined): Promise<Check[]> {
  const { config } = tools;
  if (!config.redis) {
    return [
      fail(
        "redis",
        "none is configured",
        "Set REDIS_URL, REDIS_CLUSTER_NODES or REDIS_SENTINELS to that of the nodes.",
      ),
      ...unseenWithoutRedis(),
    ];
  }
  try {
    return await lookAtRedis(tools, config.redis.kind, expected);
  } catch (error) {
    const reason = explain(error, config, tools.redisTrouble());
    return [fail("redis", reason, adviceOn(reason)), ...unseenWithoutRedis()];
  }
}

function unseenWithoutRedis(): Check[] {
  return ["log", "flushes", "clocks", "nodes", "canary"].map((name) =>
    unseen(name, "Redis could not be asked"),
  );
}

/** Rejects with RedisError. */
async function lookAtRedis(
  tools: Tools,
  kind: "standalone" | "sentinel" | "cluster",
  expected: number | undefined,
): Promise<Check[]> {
  const { names } = tools.config;
  const hasSharedCache = tools.config.sharedCache !== undefined;
  const connection = await tools.redis();
  const fleet = await tools.fleet();
  const shape = await inspectRedis(connection);
  const primary = await inspectPrimary(tools, connection, kind);
  const log = await inspectLog(connection, names);
  const [before, at] = [await fleet.now(), Date.now()];
  const machine = { at, read: { from: before, to: await fleet.now() } };
  const tail = await fleet.tail();
  // Before the nodes are read: one that begins meanwhile is among them.
  const listeners = kind === "cluster" ? 0 : await countListeners(connection, names);
  const nodes = await fleet.ask();
  const asked = { from: machine.read.to, to: await fleet.now() };
  const messages = await messagesOfLastHour(fleet, tail, asked.to);
  const canary = await readCanaryResults(connection, names);
  const elsewhere = nodes.length > 0 ? [] : await otherPrefixes(connection, names);
  const server = kind === "cluster" ? undefined : serverOf(shape, primary);
  return [
    ...checkRedis(shape, kind),
    ...checkPrimary(shape, primary),
    checkLog(names.log, log, nodes),
    ...checkFlushes(messages, nodes, asked.to),
    ...checkClocks(machine, nodes, asked, lastOfFunction(messages)),
    ...checkListeners(listeners, nodes),
    ...checkNodes(nodes, tail, __VERSION__, { expected, elsewhere, server, hasSharedCache }),
    ...checkPreviousSecrets(nodes, asked.to),
    ...checkCanary(canary, asked.to, hasSharedCache),
  ];
}

async function inspectPrimary(
  tools: Tools,
  connection: RedisConnection,
  configured: PrimaryShape["configured"],
): Promise<PrimaryShape> {
  const pool = await tools.witnesses();
  const witnesses = pool.of(connection);
  const failed = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
  const verdict = await witnesses.ask().catch(failed);
  const isVerdict = verdict !== undefined && !(verdict instanceof Error);
  return {
    configured,
    minReplicas: tools.pipelineConfig.minReplicas,
    verdict,
    isNamed: isVerdict ? await witnesses.names(verdict) : true,
    others: isVerdict ? await pool.otherPrimaries() : [],
    masters: "nodes" in connection ? connection.nodes("master").length : 0,
  };
}
