import type { PipelineConfig } from "../../../src/config/pipeline.ts";
import { BATCH_TIMEOUTS, openPipeline, type Pipeline } from "../../../src/lambda/open-pipeline.ts";
import type { EncodedMessage } from "../../../src/protocol/encode.ts";
import { runBatch } from "../../../src/pipeline/run-batch.ts";
import type { Link } from "./link.ts";
import { createLibrary } from "./library.ts";
import type { Resolve } from "./network.ts";
import type { SimulatedServer } from "./server.ts";
import type { Version } from "../table.ts";
import type { VirtualTime } from "../virtual-time.ts";

export interface StreamRecord {
  readonly record: object;
  readonly after: Version;
}

/** One try to publish a batch. */
export interface Invocation {
  readonly tells: readonly Version[];
  /** When it was answered, or its time was up. */
  over: number | undefined;
  /** When a server took its newest message. */
  takenAt: number | undefined;
  /** Each that did, and when. */
  readonly takenBy: Map<SimulatedServer, number>;
}

export interface FunctionParts {
  readonly time: VirtualTime;
  readonly link: Link;
  readonly config: PipelineConfig;
  readonly resolve: Resolve;
  /** The invocation that a message is of, by what goes over the channel. */
  readonly invocations: Map<string, Invocation>;
  /** Something was sent that was reported as failed before. */
  readonly onLate: (what: string) => void;
}

const nothing = () => undefined;
const SILENT = {
  itemProblems: nothing,
  unreadableRecord: nothing,
  notRefreshed: nothing,
  batchStarted: nothing,
  published: nothing,
  publishFailed: nothing,
  rangeRedriven: nothing,
  rangeGone: nothing,
  redriveFailed: nothing,
  swept: nothing,
  sweepFailed: nothing,
  canaryMeasured: nothing,
  canaryFailed: nothing,
};

/**
 * One container of the function: what the deployed handler does (handlers/stream.ts), on a network that is simulated. It is
 * frozen between invocations, as Lambda does it: what is left of one goes on in the next.
 */
export class SimulatedFunction {
  readonly name: string;
  readonly #parts: FunctionParts;
  readonly #pipeline: Pipeline;

  constructor(name: string, parts: FunctionParts) {
    this.name = name;
    this.#parts = parts;
    const { time, link, resolve, config } = parts;
    const process = { time, owner: name, link };
    this.#pipeline = openPipeline(config, {
      timeouts: BATCH_TIMEOUTS,
      telemetry: { report: SILENT, connectionError: nothing, flush: nothing },
      library: createLibrary({ process, resolve, onSent: (words) => this.#onSent(words) }),
    });
  }

  /**
   * @param told gets how many records of the batch are done; not at all, when the container is stopped before.
   */
  invoke(
    records: readonly StreamRecord[],
    timeoutMs: number,
    told: (done: number, of: Invocation) => void,
  ): Invocation {
    const { time } = this.#parts;
    const deadline = time.now + timeoutMs;
    const invocation: Invocation = {
      tells: records.map(({ after }) => after),
      over: undefined,
      takenAt: undefined,
      takenBy: new Map(),
    };
    time.resume(this.name);
    const work = async () => {
      const done = await this.#run(records, invocation, () => deadline - time.now).catch(() => 0);
      if (invocation.over !== undefined) return;
      invocation.over = time.now;
      time.pause(this.name);
      told(done, invocation);
    };
    time.after(0, () => void work(), this.name);
    return invocation;
  }

  /** It is frozen in the middle of an invocation, and thaws later. */
  freeze(): void {
    this.#parts.time.pause(this.name);
  }

  thaw(): void {
    this.#parts.time.resume(this.name);
  }

  stop(): void {
    this.#parts.time.stop(this.name);
  }

  async #run(
    records: readonly StreamRecord[],
    invocation: Invocation,
    remainingMs: () => number,
  ): Promise<number> {
    const context = this.#pipeline.batch({ getRemainingTimeInMillis: remainingMs });
    const append = (messages: readonly EncodedMessage[]) => {
      for (const { live } of messages) this.#parts.invocations.set(live, invocation);
      return context.log.append(messages);
    };
    const { batchItemFailures } = await runBatch(
      { Records: records.map(({ record }) => record) },
      { ...context, log: { append, makeRoom: () => context.log.makeRoom() } },
    );
    return batchItemFailures.length === 0 ? records.length : 0;
  }

  #onSent(words: readonly string[]): void {
    const { invocations, onLate, time } = this.#parts;
    for (const word of words) {
      const { over } = invocations.get(word) ?? {};
      if (over !== undefined && time.now > over)
        onLate(`a message was sent ${(time.now - over).toFixed(0)} ms after its batch was answered`);
    }
  }
}
