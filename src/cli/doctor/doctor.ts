import type { Command } from "commander";
import { describeTable, type TableShape } from "../../aws/describe-table.ts";
import { listMappings } from "../../aws/lambda-mappings.ts";
import { inspectLog, inspectRedis, otherPrefixes } from "../../redis/inspection.ts";
import { createCommand, type Run, running } from "../support/command.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { explain } from "../support/explain.ts";
import type { CommonOptions, Tools } from "../support/tools.ts";
import { type Check, fail, skipped, warning } from "./check.ts";
import { checkMappings } from "./mapping.ts";
import { checkNodes } from "./nodes.ts";
import { checkPreviousSecrets } from "./previous-secrets.ts";
import { adviceOn, checkLog, checkRedis } from "./redis.ts";
import { checkTable } from "./table.ts";

/** `doctor`: table, stream, mapping, Redis, log, nodes. Each line says what was found and what to do. */
export function createDoctorCommand(): Command {
  return createCommand(
    "doctor",
    "Look at table, stream, function, Redis, log and nodes, and say what to do.",
    ["doctor", "doctor --json | jq -r '.[] | select(.level == \"fail\").advice'"],
  ).action((options: CommonOptions) => running(options, doctor));
}

async function doctor({ tools, terminal }: Run): Promise<ExitCode> {
  const [table, redis] = await Promise.all([tableChecks(tools), redisChecks(tools)]);
  const checks = [...table, ...redis];
  terminal.value(checks);
  const { green, yellow, red, dim, bold } = terminal.colors;
  const marks = {
    ok: green("ok     "),
    warning: yellow("warning"),
    fail: red("fail   "),
    skipped: dim("skipped"),
  };
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, level, found, advice } of checks) {
    terminal.say(`${marks[level]}  ${bold(name.padEnd(width))}  ${found}`);
    if (advice !== undefined) terminal.say(`         ${" ".repeat(width)}  ${advice}`);
  }
  const failed = checks.filter(({ level }) => level === "fail").length;
  const warned = checks.filter(({ level }) => level === "warning").length;
  terminal.say();
  terminal.say(failed + warned === 0 ? green("all is well") : `${failed} failed, ${warned} warned`);
  return failed > 0 ? EXIT.unwell : EXIT.ok;
}

async function tableChecks(tools: Tools): Promise<Check[]> {
  const { config } = tools;
  let shape: TableShape | undefined;
  try {
    shape = await describeTable(tools.dynamodb().tables, config.table);
  } catch (error) {
    return [fail("table", explain(error, config), "Nothing of the table could be looked at.")];
  }
  return [...checkTable(config.table, shape), ...(await mappingChecks(tools, shape))];
}

async function mappingChecks({ config }: Tools, shape: TableShape | undefined): Promise<Check[]> {
  const name = "event source mapping";
  if (shape?.streamArn === undefined) return [skipped(name, "no stream")];
  const emulated = process.env.AWS_ENDPOINT_URL ?? process.env.AWS_ENDPOINT_URL_LAMBDA;
  if (config.dynamodbEndpoint !== undefined && emulated === undefined) {
    return [skipped(name, "the table is a local one: there is no Lambda to ask")];
  }
  try {
    return checkMappings(await listMappings(shape.streamArn, config.region));
  } catch (error) {
    return [
      warning(
        name,
        `Lambda could not be asked: ${explain(error, config)}`,
        "Permit lambda:ListEventSourceMappings to see it.",
      ),
    ];
  }
}

async function redisChecks(tools: Tools): Promise<Check[]> {
  const { config } = tools;
  if (!config.redis) {
    return [
      fail(
        "redis",
        "none is configured",
        "Set REDIS_URL, REDIS_CLUSTER_NODES or REDIS_SENTINELS to that of the nodes.",
      ),
    ];
  }
  try {
    const connection = await tools.redis();
    const redis = checkRedis(await inspectRedis(connection), config.redis.kind);
    const log = await inspectLog(connection, config.names);
    const fleet = await tools.fleet();
    const tail = await fleet.tail();
    const nodes = await fleet.ask();
    const elsewhere = nodes.length > 0 ? [] : await otherPrefixes(connection, config.names);
    return [
      ...redis,
      checkLog(config.names.log, log),
      ...checkNodes(nodes, tail, __VERSION__, elsewhere),
      ...checkPreviousSecrets(nodes, Date.now()),
    ];
  } catch (error) {
    const reason = explain(error, config, tools.redisTrouble());
    return [
      fail("redis", reason, adviceOn(reason)),
      skipped("log", "no Redis"),
      skipped("nodes", "no Redis"),
    ];
  }
}
