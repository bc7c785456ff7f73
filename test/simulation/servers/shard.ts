import { type FunctionParts, type Invocation, SimulatedFunction, type StreamRecord } from "./function.ts";
import type { Random } from "../random.ts";
import type { LambdaWeather } from "../lambda.ts";
import { streamRecord } from "../stream-record.ts";
import type { Version } from "../table.ts";
import { type VirtualTime, WORLD } from "../virtual-time.ts";

/** Milliseconds. */
export const FUNCTION_TIMEOUT_MS = 5_000;
const MAX_BATCH = 10;

export interface ShardParts extends FunctionParts {
  readonly name: string;
  readonly random: Random;
  readonly weather: LambdaWeather;
  /** A batch counts as published: since when, by the promise. */
  readonly publishedAt: (invocation: Invocation) => number;
}

/** One shard of the stream and its event source mapping: in order, one batch at a time, until it succeeds. */
export class SimulatedShard {
  readonly #queue: StreamRecord[] = [];
  readonly #parts: ShardParts;
  readonly #time: VirtualTime;
  readonly #random: Random;
  #function: SimulatedFunction | undefined;
  #running = false;
  #number = 0;
  #lastDelivery = 0;
  #containers = 0;

  constructor(parts: ShardParts) {
    this.#parts = parts;
    this.#time = parts.time;
    this.#random = parts.random;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  write(before: Version, after: Version): void {
    this.#number += 1;
    const record = streamRecord(before, after, this.#number, Date.now());
    const deliver = () => {
      this.#queue.push({ record, after });
      this.#next();
    };
    // A shard keeps the order, whatever the delays.
    this.#lastDelivery = Math.max(
      this.#lastDelivery,
      this.#time.now + this.#random.between(...this.#parts.weather.delay),
    );
    this.#time.after(this.#lastDelivery - this.#time.now, deliver, WORLD);
  }

  /** The container is frozen until then, also in the middle of an invocation. Another takes over when its time is up. */
  freeze(until: number): void {
    const frozen = this.#function;
    if (!frozen || !this.#running) return;
    frozen.freeze();
    this.#time.after(
      until - this.#time.now,
      () => {
        frozen.thaw();
      },
      WORLD,
    );
  }

  #next(attempt = 0): void {
    if (this.#running || this.#queue.length === 0) return;
    this.#running = true;
    const { weather } = this.#parts;
    const batch = this.#queue.slice(0, this.#random.integer(1, MAX_BATCH));
    const killed = this.#random.chance(weather.killed);
    const lost = this.#random.chance(weather.answerLost);
    const container = (this.#function ??= this.#create());
    let isOver = false;
    const done = (count: number) => {
      if (isOver) return;
      isOver = true;
      this.#running = false;
      this.#queue.splice(0, count);
      const again = count < batch.length;
      const pause = again ? Math.min(1_000, 50 * 2 ** attempt) : 0;
      this.#time.after(
        pause,
        () => {
          this.#next(again ? attempt + 1 : 0);
        },
        WORLD,
      );
    };
    const invocation = container.invoke(batch, FUNCTION_TIMEOUT_MS, (count, of) => {
      if (count > 0) for (const version of of.tells) version.publishedAt ??= this.#parts.publishedAt(of);
      done(lost ? 0 : count);
    });
    const end = (stops: boolean) => {
      if (isOver) return;
      invocation.over ??= this.#time.now;
      // What was sent to Redis before may still arrive.
      if (stops) container.stop();
      this.#function = undefined;
      done(0);
    };
    if (killed) this.#time.after(this.#random.between(0, 100), () => end(true), WORLD);
    else {
      // One that is frozen is not stopped by its time-out: nobody is there to do it.
      const timeUp = () => {
        end(!this.#time.isPaused(container.name));
      };
      this.#time.after(FUNCTION_TIMEOUT_MS, timeUp, WORLD);
    }
  }

  #create(): SimulatedFunction {
    this.#containers += 1;
    return new SimulatedFunction(`${this.#parts.name}.${this.#containers}`, this.#parts);
  }
}
