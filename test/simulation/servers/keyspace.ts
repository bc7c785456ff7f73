import { type Reply, ReplyError } from "./lua.ts";

interface Entry {
  readonly epoch: number;
  readonly seq: number;
  readonly fields: readonly string[];
}

interface Stream {
  readonly entries: readonly Entry[];
  readonly last: Pick<Entry, "epoch" | "seq">;
}

type Value = string | ReadonlyMap<string, string> | Stream;

/** All that a server holds at one moment. Values are never changed, only replaced: so a copy costs next to nothing. */
export type Snapshot = ReadonlyMap<string, Value>;

const OK = { ok: "OK" };

/** Commands that a server refuses when it may not write, or has no memory for it. */
export const WRITES: ReadonlySet<string> = new Set([
  "SET",
  "HSET",
  "HDEL",
  "DEL",
  "UNLINK",
  "RPUSH",
  "XADD",
  "XTRIM",
  "ZADD",
  "ZREM",
  "ZREMRANGEBYSCORE",
  "PEXPIRE",
  "EXPIRE",
]);

/** Those among them that a full server still takes. */
export const SHRINKING: ReadonlySet<string> = new Set([
  "DEL",
  "UNLINK",
  "XTRIM",
  "ZREM",
  "HDEL",
  "PEXPIRE",
  "EXPIRE",
]);

/**
 * The commands that the product uses, and no others. Nothing expires: a story is shorter than any time to live that matters.
 */
export class Keyspace {
  #data: Map<string, Value>;

  constructor(data: Snapshot = new Map()) {
    this.#data = new Map(data);
  }

  snapshot(): Snapshot {
    return new Map(this.#data);
  }

  /** The messages of a log, oldest first. */
  messages(log: string): readonly string[] {
    return this.#stream(log)?.entries.map(({ fields }) => fields[1] ?? "") ?? [];
  }

  run(name: string, args: readonly string[], now: number): Reply {
    const [key = "", ...rest] = args;
    switch (name) {
      case "TIME":
        return [String(Math.floor(now / 1_000)), String(Math.floor((now % 1_000) * 1_000))];
      case "TYPE":
        return { ok: this.#type(key) };
      case "EXISTS":
        return this.#data.has(key) ? 1 : 0;
      case "GET":
        return this.#text(key) ?? null;
      case "SET":
        this.#data.set(key, rest[0] ?? "");
        return OK;
      case "DEL":
      case "UNLINK":
        return args.filter((one) => this.#data.delete(one)).length;
      case "EXPIRE":
      case "PEXPIRE":
        return this.#data.has(key) ? 1 : 0;
      case "HGET":
        return this.#hash(key).get(rest[0] ?? "") ?? null;
      case "HMGET":
        return rest.map((field) => this.#hash(key).get(field) ?? null);
      case "HSET":
        this.#data.set(key, withPairs(this.#hash(key), rest));
        return 1;
      case "ZADD":
        this.#data.set(key, new Map(this.#hash(key)).set(rest[1] ?? "", rest[0] ?? "0"));
        return 1;
      case "ZREM":
        return this.#removeFields(key, (field) => rest.includes(field));
      case "ZREMRANGEBYSCORE":
        return this.#removeFields(
          key,
          (_, score) => Number(score) < Number((rest[1] ?? "").replace("(", "")),
        );
      case "ZCARD":
        return this.#hash(key).size;
      case "XLEN":
        return this.#stream(key)?.entries.length ?? 0;
      case "XINFO":
        return this.#info(rest[0] ?? "");
      case "XRANGE":
        return this.#range(key, rest);
      case "XREVRANGE":
        return (this.#range(key, []) as Reply[]).reverse().slice(0, Number(rest[3]));
      case "XADD":
        return this.#add(key, rest);
      case "XTRIM":
        return this.#trim(key, Number(rest.at(-1)));
      default:
        throw new ReplyError(`ERR the simulation knows no command ${name}`);
    }
  }

  #type(key: string): string {
    const value = this.#data.get(key);
    if (value === undefined) return "none";
    if (typeof value === "string") return "string";
    return value instanceof Map ? "hash" : "stream";
  }

  #text(key: string): string | undefined {
    const value = this.#data.get(key);
    return typeof value === "string" ? value : undefined;
  }

  #hash(key: string): ReadonlyMap<string, string> {
    const value = this.#data.get(key);
    return value instanceof Map ? value : new Map<string, string>();
  }

  #stream(key: string): Stream | undefined {
    const value = this.#data.get(key);
    return typeof value === "object" && !(value instanceof Map) ? (value as Stream) : undefined;
  }

  #removeFields(key: string, which: (field: string, value: string) => boolean): number {
    const before = this.#hash(key);
    const after = new Map([...before].filter(([field, value]) => !which(field, value)));
    if (after.size > 0) this.#data.set(key, after);
    else this.#data.delete(key);
    return before.size - after.size;
  }

  #info(key: string): Reply {
    const stream = this.#stream(key);
    if (!stream) throw new ReplyError("ERR no such key");
    return ["length", stream.entries.length, "last-generated-id", `${stream.last.epoch}-${stream.last.seq}`];
  }

  /** `from to [COUNT n]` */
  #range(key: string, [from = "-", to = "+", , count]: readonly string[]): Reply {
    const low = from === "-" ? { epoch: 0, seq: 0 } : idOf(from);
    const high = to === "+" ? { epoch: Number.MAX_VALUE, seq: 0 } : idOf(to);
    return (this.#stream(key)?.entries ?? [])
      .filter((entry) => compare(entry, low) >= 0 && compare(entry, high) <= 0)
      .slice(0, count === undefined ? undefined : Number(count))
      .map(({ epoch, seq, fields }) => [`${epoch}-${seq}`, fields]);
  }

  /** `[MAXLEN ~ n] id field value` */
  #add(key: string, args: readonly string[]): Reply {
    const [keep, [id = "", ...fields]] =
      args[0] === "MAXLEN" ? [Number(args[2]), args.slice(3)] : [Number.POSITIVE_INFINITY, args];
    const next = idOf(id);
    if (next.epoch === 0 && next.seq === 0)
      throw new ReplyError("ERR The ID specified in XADD must be greater than 0-0");
    const stream = this.#stream(key);
    if (stream && compare(next, stream.last) <= 0)
      throw new ReplyError(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item",
      );
    const entries = [...(stream?.entries ?? []), { ...next, fields }];
    this.#data.set(key, { entries: keep < entries.length ? entries.slice(-keep) : entries, last: next });
    return id;
  }

  #trim(key: string, keep: number): number {
    const stream = this.#stream(key);
    if (!stream) return 0;
    const entries = keep === 0 ? [] : stream.entries.slice(-keep);
    this.#data.set(key, { ...stream, entries });
    return stream.entries.length - entries.length;
  }
}

function withPairs(hash: ReadonlyMap<string, string>, pairs: readonly string[]): ReadonlyMap<string, string> {
  const changed = new Map(hash);
  for (let i = 0; i < pairs.length; i += 2) changed.set(pairs[i] ?? "", pairs[i + 1] ?? "");
  return changed;
}

function idOf(text: string): { epoch: number; seq: number } {
  const [epoch = 0, seq = 0] = text.split("-").map(Number);
  return { epoch, seq };
}

function compare(left: Pick<Entry, "epoch" | "seq">, right: Pick<Entry, "epoch" | "seq">): number {
  return left.epoch - right.epoch || left.seq - right.seq;
}
