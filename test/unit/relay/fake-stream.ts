import { StreamGoneError, StreamThrottledError } from "../../../src/aws/errors.ts";
import type { TableStream } from "../../../src/aws/table-stream.ts";
import type { EncodedMessage } from "../../../src/protocol/encode.ts";
import { busNames } from "../../../src/protocol/names.ts";
import type { Fence, Move } from "../../../src/redis/fence.ts";
import { RedisError } from "../../../src/redis/errors.ts";
import { Checkpoints } from "../../../src/relay/checkpoints.ts";
import { RelayState } from "../../../src/relay/state.ts";
import type { TermContext } from "../../../src/relay/term.ts";

interface FakeShard {
  readonly id: string;
  readonly parent?: string | undefined;
  readonly records: { seq: number; appId: string }[];
  isClosed: boolean;
}

/** A stream whose shards roll over when it is told to: DynamoDB Local's do so every few hours. */
export class FakeStream {
  arn = "arn:aws:dynamodb:eu-west-1:1:table/apps/stream/1";
  readonly shards = new Map<string, FakeShard>();
  /** Thrown once each, by the next reads. */
  readonly failures: Error[] = [];
  readonly iterators: string[] = [];
  reads = 0;
  #seq = 0;

  open(id: string, parent?: string): void {
    this.shards.set(id, { id, parent, records: [], isClosed: false });
  }

  write(shard: string, appId: string): number {
    this.#seq += 1;
    this.shards.get(shard)?.records.push({ seq: this.#seq, appId });
    return this.#seq;
  }

  close(id: string): void {
    const shard = this.shards.get(id);
    if (shard) shard.isClosed = true;
  }

  /** As AWS does after a day. */
  trim(id: string, count: number): void {
    this.shards.get(id)?.records.splice(0, count);
  }

  readonly api: TableStream = {
    find: () => Promise.resolve(this.arn),
    shards: () => Promise.resolve([...this.shards.values()].map(({ id, parent }) => ({ id, parent }))),
    iterator: ({ shard, after }) => {
      this.iterators.push(`${shard} ${after ?? "oldest"}`);
      return Promise.resolve(`${shard}:${after ?? "0"}`);
    },
    read: async (iterator) => {
      this.reads += 1;
      // A turn of the loop, as a request is.
      await new Promise((resolve) => setImmediate(resolve));
      const failure = this.failures.shift();
      if (failure) throw failure;
      const [id = "", after = ""] = iterator.split(":");
      const shard = this.shards.get(id);
      if (!shard) throw new StreamGoneError(`${id} is gone`);
      // One at a time, so that much can happen between two.
      const [next, more] = shard.records.filter(({ seq }) => seq > Number(after));
      return {
        records: next ? [recordOf(next)] : [],
        next: shard.isClosed && !more ? undefined : `${id}:${next?.seq ?? after}`,
      };
    },
  };
}

function recordOf({ seq, appId }: { seq: number; appId: string }) {
  const image = { AppId: { S: appId }, AppKey: { S: `${appId}-key` }, AppSecret: { S: "s" } };
  return {
    eventName: "INSERT" as const,
    dynamodb: {
      SequenceNumber: String(seq),
      Keys: { AppId: { S: appId } },
      NewImage: image,
      ApproximateCreationDateTime: new Date(),
    },
  };
}

/** The log and the positions, as the fence has them. */
export class FakeRedis {
  readonly messages: string[] = [];
  readonly positions = new Map<string, string>();
  token = "1 a";
  /** Thrown once each, by the next writes. */
  readonly failures: Error[] = [];

  readonly log = {
    append: (messages: readonly EncodedMessage[], fence?: Fence): Promise<string> => {
      this.#take(fence?.token ?? "", fence?.moves ?? [], messages);
      return Promise.resolve("1-1");
    },
    makeRoom: () => Promise.resolve(false),
  };
  readonly lease = {
    move: (token: string, moves: readonly Move[]) =>
      Promise.resolve().then(() => this.#take(token, moves, [])),
  };

  #take(token: string, moves: readonly Move[], messages: readonly EncodedMessage[]): void {
    const failure = this.failures.shift();
    if (failure) throw failure;
    const isWrong = moves.some(({ field, from }) => (this.positions.get(field) ?? "") !== from);
    if (token !== this.token || isWrong) throw new RedisError("take it", new Error("FENCED"));
    for (const { field, to } of moves) {
      if (to === "") this.positions.delete(field);
      else this.positions.set(field, to);
    }
    this.messages.push(...messages.map(({ whole }) => whole));
  }

  /** As a term begins. */
  checkpoints(token = this.token): Checkpoints {
    const { lease, log, positions } = this;
    return new Checkpoints({ lease, log, names: busNames("{t}"), token, positions: new Map(positions) });
  }

  get shards(): Record<string, string> {
    const shards = [...this.positions].filter(([field]) => field.startsWith("shard:"));
    return Object.fromEntries(shards.map(([field, at]) => [field.slice(6), at]));
  }

  get flushes(): string[] {
    return this.messages.flatMap((json) => (JSON.parse(json) as { flush?: string }).flush ?? []);
  }
}

/** All that a term needs but its signal; what is reported is kept. */
export function contextOf(stream: FakeStream, redis: FakeRedis, taken: string[]) {
  const reported: string[] = [];
  const clock = () => performance.now();
  const checkpoints = redis.checkpoints();
  const context: Omit<TermContext, "signal"> = {
    checkpoints,
    stream: stream.api,
    state: new RelayState(clock),
    begun: () => undefined,
    pollMs: 1,
    listMs: 5,
    clock,
    now: Date.now,
    async take(shard, records) {
      for (const { dynamodb } of records) {
        const { SequenceNumber = "", Keys } = (dynamodb ?? {}) as {
          SequenceNumber?: string;
          Keys?: { AppId: { S: string } };
        };
        taken.push(`${Keys?.AppId.S} ${SequenceNumber}`);
        await checkpoints.moveTo(shard, SequenceNumber);
      }
    },
    report: {
      streamRead: () => undefined,
      recordsLost: (shard) => reported.push(`lost ${shard}`),
      streamBegun: (_arn, reason) => reported.push(`begun: ${reason}`),
      listingFailed: (error) => reported.push(`listing: ${(error as Error).message}`),
    },
  };
  return { context, reported };
}

export const throttled = () => new StreamThrottledError("slower");
