import { type Command, InvalidArgumentError } from "commander";
import { createStreamReader, findStream } from "../aws/stream-reader.ts";
import type { PipelineReporter, RedriveReporter } from "../pipeline/ports.ts";
import { redrive } from "../pipeline/redrive.ts";
import { amount } from "./support/amount.ts";
import { createCommand, runCommand } from "./support/command.ts";
import { UsageError } from "./support/errors.ts";
import { EXIT } from "./support/exit-codes.ts";
import type { CommonOptions, Tools } from "./support/tools.ts";

interface RedriveOptions extends CommonOptions {
  readonly shard: string;
  readonly from: string;
  readonly to: string;
  readonly stream?: string;
}

/** `redrive`: publishes again what a range of the stream says, as handlers/redrive.ts does for the failure queue. */
export function createRedriveCommand(): Command {
  return createCommand(
    "redrive",
    "Publish a range of the table's stream again; flush all nodes if it is lost.",
    ["redrive --shard shardId-0000 --from 100 --to 200"],
  )
    .requiredOption("--shard <id>", "shard of the range (shardId in a failure message)")
    .requiredOption("--from <number>", "sequence number of its first record", sequenceNumber)
    .requiredOption("--to <number>", "sequence number of its last record", sequenceNumber)
    .option("--stream <arn>", "ARN of the stream; by default the table's current one")
    .action((options: RedriveOptions) =>
      runCommand(options, async ({ tools, terminal }) => {
        refuseSwapped(options);
        const { told, isComplete } = await redriveRange(options, tools);
        terminal.value({ outcome: told });
        terminal.print(told.join("\n"));
        return isComplete ? EXIT.ok : EXIT.unwell;
      }),
    );
}

/** What was done, in lines. Not complete: some apps may be wrong in the shared cache until the next sweep. */
interface Redriven {
  readonly told: readonly string[];
  readonly isComplete: boolean;
}

const CACHE_LEFT = "the shared cache may differ from the table: soketi-app-sync sweep repairs it";

async function redriveRange(options: RedriveOptions, tools: Tools): Promise<Redriven> {
  const config = tools.pipelineConfig;
  const log = await tools.log();
  const { tables, streams } = await tools.dynamodb();
  const told: string[] = [];
  let isComplete = true;
  /** A flush is for nodes: entries that servers share stay as they are. */
  const leaveCache = () => {
    if (!config.sharedCache || told.includes(CACHE_LEFT)) return;
    isComplete = false;
    told.push(CACHE_LEFT);
  };
  const report: PipelineReporter & RedriveReporter = {
    itemProblems: () => undefined,
    batchStarted: () => undefined,
    published: () => undefined,
    unreadableRecord(at, reason) {
      told.push(`record ${at} names no app, so all nodes flush: ${reason}`);
      leaveCache();
    },
    notRefreshed(appIds, error) {
      isComplete = false;
      const why = error instanceof Error ? error.message : "the records do not contain the apps' former keys";
      told.push(`${amount(appIds.length, "app")} may be wrong in the shared cache until a sweep: ${why}`);
    },
    publishFailed: (error) => {
      throw error;
    },
    rangeRedriven: (_range, records) =>
      told.push(`${records} records published again to ${config.names.log}`),
    rangeGone(_range, reason) {
      told.push(`records are lost, so a flush was published to ${config.names.log}: ${reason}`);
      leaveCache();
    },
    redriveFailed: () => undefined,
  };
  const streamArn = options.stream ?? (await findStream(tables, config.table));
  await redrive(
    { streamArn, shardId: options.shard, from: options.from, to: options.to },
    {
      stream: createStreamReader(streams),
      report,
      batch: {
        log,
        report,
        sharedCache: config.sharedCache && (await tools.sharedCache(config.sharedCache)),
        table: config.table,
        region: config.region,
        now: Date.now,
        remainingMs: () => 60_000,
      },
    },
  );
  return { told, isComplete };
}

/** They are no numbers of JavaScript's, which ends at 16 digits. @throws UsageError */
function refuseSwapped({ from, to }: Pick<RedriveOptions, "from" | "to">): void {
  if (BigInt(from) <= BigInt(to)) return;
  throw new UsageError(`--from: expected a number up to that of --to (${to}), found ${from}`);
}

function sequenceNumber(text: string): string {
  if (/^\d{1,40}$/.test(text)) return text;
  throw new InvalidArgumentError("Expected a sequence number, up to 40 digits.");
}
