import type { PipelineReporter } from "../../src/pipeline/ports.ts";
import { runBatch } from "../../src/pipeline/run-batch.ts";
import type { Link } from "./link.ts";
import type { Random } from "./random.ts";
import type { SimulatedRedis } from "./redis.ts";
import { streamRecord } from "./stream-record.ts";
import type { Version } from "./table.ts";
import { type VirtualTime, WORLD } from "./virtual-time.ts";

interface StreamRecord {
  readonly record: object;
  readonly after: Version;
}

/** What can go wrong with invocations: how likely each is killed, or its answer lost after all was done. */
export interface LambdaWeather {
  killed: number;
  answerLost: number;
  /** From a write to its first delivery, in milliseconds: from, to. */
  delay: readonly [number, number];
}

export const PUNCTUAL: Readonly<LambdaWeather> = { killed: 0, answerLost: 0, delay: [20, 400] };

/** As src/lambda/open-pipeline.ts has it for the function. Milliseconds. */
const COMMAND_MS = 1_000;
const FUNCTION_TIMEOUT_MS = 5_000;
const MAX_BATCH = 10;

const SILENT: PipelineReporter = {
  itemProblems: () => undefined,
  unreadableRecord: () => undefined,
  notRefreshed: () => undefined,
  batchStarted: () => undefined,
  published: () => undefined,
  publishFailed: () => undefined,
};

/** One shard of the stream and its event source mapping: in order, one batch at a time, until it succeeds. */
export class SimulatedShard {
  readonly #queue: StreamRecord[] = [];
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #link: Link;
  readonly #redis: SimulatedRedis;
  readonly #weather: LambdaWeather;
  #running = false;
  #number = 0;

  constructor(time: VirtualTime, random: Random, link: Link, redis: SimulatedRedis, weather: LambdaWeather) {
    this.#time = time;
    this.#random = random;
    this.#link = link;
    this.#redis = redis;
    this.#weather = weather;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  write(before: Version, after: Version): void {
    this.#number += 1;
    const record = streamRecord(before, after, this.#number, this.#time.now);
    this.#time.after(
      this.#random.between(...this.#weather.delay),
      () => {
        this.#queue.push({ record, after });
        this.#next();
      },
      WORLD,
    );
  }

  #next(attempt = 0): void {
    if (this.#running || this.#queue.length === 0) return;
    this.#running = true;
    const batch = this.#queue.slice(0, this.#random.integer(1, MAX_BATCH));
    const killed = this.#random.chance(this.#weather.killed);
    const lost = this.#random.chance(this.#weather.answerLost);
    const done = (failedFrom: number) => {
      this.#running = false;
      this.#queue.splice(0, failedFrom);
      const again = failedFrom < batch.length;
      const pause = again ? Math.min(1_000, 50 * 2 ** attempt) : 0;
      this.#time.after(
        pause,
        () => {
          this.#next(again ? attempt + 1 : 0);
        },
        WORLD,
      );
    };
    if (killed) {
      // What was sent to Redis before may still arrive.
      void this.#invoke(batch).catch(() => undefined);
      this.#time.after(
        this.#random.between(0, 100),
        () => {
          done(0);
        },
        WORLD,
      );
      return;
    }
    void this.#invoke(batch).then(
      (failedFrom) => {
        done(lost ? 0 : failedFrom);
      },
      () => {
        done(0);
      },
    );
  }

  /** @returns how many records of the batch are done. */
  async #invoke(batch: readonly StreamRecord[]): Promise<number> {
    const deadline = this.#time.now + FUNCTION_TIMEOUT_MS;
    const tells = batch.map(({ after }) => after);
    const { batchItemFailures } = await runBatch(
      { Records: batch.map(({ record }) => record) },
      {
        log: {
          append: (messages) =>
            this.#link.call(() => {
              this.#redis.append(messages, tells);
            }, COMMAND_MS),
          // The model's log has no bytes to give up.
          makeRoom: () => Promise.resolve(false),
        },
        report: SILENT,
        table: "apps",
        now: () => this.#time.now,
        remainingMs: () => deadline - this.#time.now,
      },
    );
    return batchItemFailures.length === 0 ? batch.length : 0;
  }
}
