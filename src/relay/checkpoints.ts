import type { EncodedMessage } from "../protocol/encode.ts";
import { relayNames, type BusNames } from "../protocol/names.ts";
import type { RedisLog } from "../redis/log.ts";
import type { Move } from "../redis/fence.ts";
import type { Positions, RelayLease } from "../redis/relay-lease.ts";
import { type Position, START } from "./shards.ts";

const SHARD = "shard:";
/** Which stream that is. Tools read it too. */
export const STREAM = "stream";
/** Everything that was in the stream had been read at that time. Tools read it too. */
export const CURRENT_AT = "current-at";
const SWEPT_AT = "swept-at";
/** What the fence keeps there for itself. */
const LAST_ID = "last";

export interface CheckpointsOptions {
  readonly lease: Pick<RelayLease, "move">;
  readonly log: Pick<RedisLog, "append" | "makeRoom">;
  readonly names: BusNames;
  /** Of the term: every write needs it. */
  readonly token: string;
  /** As they were read when the term began. */
  readonly positions: Positions;
}

/**
 * Where the stream was left, for one term of one relay. What it writes is refused as soon as another relay's term has
 * begun, with a RedisError of the code FENCED; until then nobody else writes, so that what is in memory is what is in Redis.
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  readonly #fields: Map<string, string>;
  /** How often records were lost in this term. Nodes were told to forget everything; a shared cache has to be swept. */
  losses = 0;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
    this.#fields = new Map(options.positions);
    this.#fields.delete(LAST_ID);
  }

  /** The stream that the positions are of. Undefined: none was read yet, or it was too long ago. */
  get stream(): string | undefined {
    return this.#fields.get(STREAM);
  }

  /** When everything that was in the stream had been read for the last time, by the clock of whoever wrote it. Milliseconds. */
  get currentAt(): number {
    return Number(this.#fields.get(CURRENT_AT) ?? 0);
  }

  /** When the shared cache was swept last. Milliseconds. */
  get sweptAt(): number {
    return Number(this.#fields.get(SWEPT_AT) ?? 0);
  }

  get shards(): ReadonlyMap<string, Position> {
    const shards = [...this.#fields].filter(([field]) => field.startsWith(SHARD));
    return new Map(shards.map(([field, at]) => [field.slice(SHARD.length), at]));
  }

  position(shard: string): Position {
    return this.#fields.get(SHARD + shard) ?? START;
  }

  /** As the log's. */
  makeRoom(): Promise<boolean> {
    return this.#options.log.makeRoom();
  }

  /** Appends messages, and takes the shard on with them. */
  append(messages: readonly EncodedMessage[], shard: string, to: Position): Promise<void> {
    return this.#write([this.#move(SHARD + shard, to)], messages);
  }

  /** Takes a shard on without a message. */
  moveTo(shard: string, to: Position): Promise<void> {
    return this.#write([this.#move(SHARD + shard, to)]);
  }

  /** Forgets shards that were read to their end. */
  async forget(shards: readonly string[]): Promise<void> {
    await this.#write(shards.map((shard) => this.#move(SHARD + shard, "")));
  }

  /** Forgets shards of which records are lost, and tells everybody. */
  async forgetLost(shards: readonly string[], message: EncodedMessage): Promise<void> {
    if (shards.length === 0) return;
    await this.#lose(
      shards.map((shard) => this.#move(SHARD + shard, "")),
      message,
    );
  }

  /** Has a shard of which records are lost be read from its oldest one on, and tells everybody. */
  startAnew(shard: string, message: EncodedMessage): Promise<void> {
    // Another position than any that was there, so that the flush is not taken for one that was done.
    return this.#lose([this.#move(SHARD + shard, START)], message);
  }

  /** Begins another stream, or the same one anew: nothing of before counts, and the message tells everybody. */
  begin(arn: string, message: EncodedMessage, now: number): Promise<void> {
    const gone = [...this.shards.keys()].map((shard) => this.#move(SHARD + shard, ""));
    return this.#lose([this.#move(STREAM, arn), this.#move(CURRENT_AT, String(now)), ...gone], message);
  }

  /** Whoever sweeps next, in this term or a later one, has to do so at once. */
  async #lose(moves: readonly Move[], message: EncodedMessage): Promise<void> {
    await this.#write([...moves, this.#move(SWEPT_AT, "")], [message]);
    this.losses += 1;
  }

  noteCurrent(now: number): Promise<void> {
    return this.#write([this.#move(CURRENT_AT, String(now))]);
  }

  noteSwept(now: number): Promise<void> {
    return this.#write([this.#move(SWEPT_AT, String(now))]);
  }

  #move(field: string, to: string): Move {
    return { field, from: this.#fields.get(field) ?? "", to };
  }

  async #write(all: readonly Move[], messages: readonly EncodedMessage[] = []): Promise<void> {
    const { lease, log, names, token } = this.#options;
    const moves = all.filter(isReal);
    if (messages.length > 0) await log.append(messages, { names: relayNames(names), token, moves });
    else if (moves.length > 0) await lease.move(token, moves);
    for (const { field, to } of moves) {
      if (to === "") this.#fields.delete(field);
      else this.#fields.set(field, to);
    }
  }
}

function isReal({ from, to }: Move): boolean {
  return from !== to;
}
