import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { SQSBatchResponse } from "aws-lambda";
import type { Cluster, Redis } from "ioredis";
import { openAppsTable } from "../../../local/apps-table.ts";
import { messagesIn } from "../../support/log-messages.ts";
import { busNames } from "../../../src/protocol/names.ts";
import {
  type AwsRecord,
  type MappedFunction,
  type MappingOptions,
  startMapping,
} from "../../support/event-source-mapping.ts";
import { eventually, item, loadHandler } from "../../support/fleet.ts";

/** What goes wrong with the pipeline, and the parts that it goes wrong in. */
export interface Fault {
  readonly name: string;
  /** Makes the parts. What it begins, `stop` ends. */
  prepare(): Promise<FaultParts>;
}

export interface FaultParts {
  /** Where the function finds Redis. */
  readonly env: Readonly<Record<string, string>>;
  /** To look into the log; the same data as the function's. */
  readonly redis: Redis | Cluster;
  readonly mapping?: Partial<MappingOptions> | undefined;
  /** Other than the built bundle in this process. */
  readonly handler?:
    ((env: Readonly<Record<string, string>>, built: MappedFunction) => MappedFunction) | undefined;
  /** From the first third of the changes on; resolves when the fault is over. `log` is the log's key. */
  happen(log: string): Promise<void>;
  stop(): Promise<void>;
}

export interface FaultOutcome {
  readonly fault: string;
  /** Writes to the table. */
  readonly changes: number;
  /** Of them taken by the function, and found in the log: themselves, or a later change of the same app in one batch. */
  readonly published: number;
  /** Of them in a range that came to the failure queue. */
  readonly queued: number;
  /** Of those told of by the redrive, which says only that an app changed, or flushes. */
  readonly redriven: number;
  /** Neither published nor redriven. */
  readonly lost: number;
  /** Apps whose newest message is not their newest change. */
  readonly outOfOrder: number;
  /** From a write to the end of the invocation that took it: the longest, without the queue. Milliseconds. */
  readonly longestDelayMs: number;
}

const APPS = 8;

/** Runs a steady stream of changes through a fault, then the failure queue, and counts what arrived. */
export async function runFault(
  fault: Fault,
  dynamodbEndpoint: string,
  changes: number,
): Promise<FaultOutcome> {
  const parts = await fault.prepare();
  const name = `faults-${randomUUID().slice(0, 8)}`;
  const table = await openAppsTable(dynamodbEndpoint, name);
  const env = { ...parts.env, APP_SYNC_PREFIX: `{${name}}`, APP_MANAGER_DYNAMODB_TABLE: name };
  const built: MappedFunction = await loadHandler(env);
  const handler = parts.handler?.(env, built) ?? built;
  const queue: string[] = [];
  /** Number of the write -> when, and when it was taken. */
  const written = new Map<number, number>();
  const taken = new Map<number, number>();
  const names = busNames(`{${name}}`);
  const log = new LogReader(parts.redis, names.log);
  const mapping = startMapping({
    endpoint: dynamodbEndpoint,
    streamArn: table.streamArn,
    batchSize: 20,
    onFailure: (body) => queue.push(body),
    onDone: (records) => {
      for (const number of records.map(numberOf)) if (!taken.has(number)) taken.set(number, Date.now());
    },
    ...parts.mapping,
    handler,
  });
  try {
    let happening: Promise<void> | undefined;
    for (let number = 1; number <= changes; number += 1) {
      if (number === Math.ceil(changes / 3)) happening = parts.happen(names.log);
      await table.put(item(`app-${number % APPS}`, { MaxConnections: { N: String(number) } }));
      written.set(number, Date.now());
      await pause(5);
    }
    await happening;
    await eventually("the stream to be read", () => Promise.resolve(mapping.delivered >= changes), 90_000);
    await log.read();
    const published = [...taken.keys()].filter((number) => log.tells(number)).length;
    const queued = queue.reduce((sum, body) => sum + batchSize(body), 0);
    if (queue.length > 0) {
      const more = { AWS_REGION: "us-east-1", APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint };
      const redrive = await loadHandler<Redrive>({ ...env, ...more }, "redrive");
      await eventually("the failure queue to be empty", () => redriveAll(redrive, queue), 60_000);
      await log.read();
    }
    const redriven = [...written.keys()].filter(
      (number) => !taken.has(number) && log.tellsLate(number),
    ).length;
    const delays = [...taken].map(([number, at]) => at - (written.get(number) ?? at));
    return {
      fault: fault.name,
      changes,
      published,
      queued,
      redriven,
      lost: changes - published - redriven,
      outOfOrder: log.outOfOrder(),
      longestDelayMs: Math.round(Math.max(0, ...delays)),
    };
  } finally {
    await mapping.stop();
    await parts.stop();
  }
}

type Redrive = (event: unknown, context: unknown) => Promise<SQSBatchResponse>;

/** As SQS: what failed stays. */
async function redriveAll(redrive: Redrive, queue: string[]): Promise<boolean> {
  const Records = queue.map((body, i) => ({ messageId: String(i), body }));
  const { batchItemFailures } = await redrive({ Records }, { getRemainingTimeInMillis: () => 30_000 });
  const left = batchItemFailures.map(({ itemIdentifier }) => queue[Number(itemIdentifier)] ?? "");
  queue.splice(0, queue.length, ...left);
  return queue.length === 0;
}

/** Reads the log while it can be read: a failover may lose its end. */
class LogReader {
  readonly #redis: Redis | Cluster;
  readonly #key: string;
  /** App -> numbers that messages had, in order; 0 for one that says only that the app changed. */
  readonly #told = new Map<string, number[]>();
  #flushes = 0;

  constructor(redis: Redis | Cluster, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  async read(): Promise<void> {
    this.#told.clear();
    this.#flushes = 0;
    for (const decoded of await messagesIn(this.#redis, this.#key)) {
      if (decoded.kind === "flush") this.#flushes += 1;
      if (decoded.kind !== "changes") continue;
      for (const { appId, app } of decoded.message.changes)
        this.#told.set(appId, [...(this.#told.get(appId) ?? []), app?.limits.maxConnections ?? 0]);
    }
  }

  tells(number: number): boolean {
    return this.#of(number).some((one) => one >= number);
  }

  tellsLate(number: number): boolean {
    return this.#flushes > 0 || this.#of(number).includes(0);
  }

  #of(number: number): readonly number[] {
    return this.#told.get(`app-${number % APPS}`) ?? [];
  }

  /** A batch that comes again repeats older changes; what it ends with must be the newest. */
  outOfOrder(): number {
    let wrong = 0;
    for (let app = 0; app < APPS; app += 1) {
      const numbers = this.#told.get(`app-${app}`) ?? [];
      const newest = Math.max(...numbers);
      const last = numbers.at(-1);
      if (this.#flushes === 0 && last !== 0 && last !== newest) wrong += 1;
    }
    return wrong;
  }
}

function numberOf({ dynamodb }: AwsRecord): number {
  const image = dynamodb.NewImage as { MaxConnections?: { N?: string } } | undefined;
  return Number(image?.MaxConnections?.N);
}

function batchSize(body: string): number {
  return (JSON.parse(body) as { DDBStreamBatchInfo: { batchSize: number } }).DDBStreamBatchInfo.batchSize;
}
