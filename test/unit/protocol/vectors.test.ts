import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Lease } from "../../../src/agent/lease.ts";
import { LogFollower } from "../../../src/agent/log-follower.ts";
import {
  encodeChanges,
  encodeFlush,
  type EncodedMessage,
  type MessageHeader,
} from "../../../src/protocol/encode.ts";
import { decodeInvalidations, type LogEntry, parseLive } from "../../../src/protocol/live.ts";
import type { Change } from "../../../src/protocol/message.ts";
import {
  compareMessageIds,
  formatMessageId,
  type MessageId,
  parseMessageId,
} from "../../../src/protocol/message-id.ts";

function vectors<T extends { readonly name: string }>(file: string): [string, T][] {
  const text = readFileSync(new URL(`../../vectors/${file}.json`, import.meta.url), "utf8");
  return (JSON.parse(text) as T[]).map((vector) => [vector.name, vector]);
}

interface Encoding {
  readonly name: string;
  readonly header: MessageHeader;
  readonly changes: readonly Change[];
  readonly flush?: string;
  readonly at?: number;
  readonly by?: string;
  readonly messages: readonly EncodedMessage[];
}

describe("encode.json", () => {
  it.each(vectors<Encoding>("encode"))("%s", (_, { header, changes, flush, at = 0, by, messages }) => {
    const encoded = flush === undefined ? encodeChanges(changes, header) : [encodeFlush(flush, at, by)];
    expect(encoded).toEqual(messages);
    // Both forms say the same to a node.
    const told = (json: string) => {
      const action = decodeInvalidations(json);
      if (action.kind !== "changes") return [action.kind];
      return action.message.changes.map(({ appId, type, keys, key, writtenAt }) => ({
        at: action.message.at,
        appId,
        type,
        keys,
        key,
        writtenAt,
      }));
    };
    for (const { whole, live } of messages) expect(told(live)).toEqual(told(whole));
  });
});

interface Decoding {
  readonly name: string;
  readonly json: string;
  readonly kind: string;
  readonly version?: number;
  readonly changes?: readonly object[];
}

describe("decode.json", () => {
  it.each(vectors<Decoding>("decode"))("%s", (_, { json, kind, version, changes }) => {
    const action = decodeInvalidations(json);
    expect(action.kind).toBe(kind);
    if (action.kind === "unsupported") expect(action.version).toBe(version);
    if (action.kind === "changes") expect(action.message.changes).toEqual(changes);
    if (action.kind === "malformed") expect(action.reason).toMatch(/expected/);
  });
});

interface Payload {
  readonly name: string;
  readonly payload: string;
  readonly id: readonly [epoch: number, seq: number] | null;
  readonly json?: string;
}

describe("live.json", () => {
  it.each(vectors<Payload>("live"))("%s", (_, { payload, id, json }) => {
    expect(parseLive(payload)).toEqual(id ? { id: { epoch: id[0], seq: id[1] }, json } : undefined);
  });
});

interface Ids {
  readonly name: string;
  readonly ids?: readonly string[];
  readonly unreadable?: readonly string[];
}

describe("ids.json", () => {
  it.each(vectors<Ids>("ids"))("%s", (_, { ids = [], unreadable = [] }) => {
    const read = ids.map(parseMessageId).filter((id) => id !== undefined);
    expect([...read].reverse().sort(compareMessageIds).map(formatMessageId)).toEqual(ids);
    expect(unreadable.map(parseMessageId)).toEqual(unreadable.map(() => undefined));
  });
});

interface Step {
  readonly append?: readonly string[];
  readonly keep?: number;
  readonly epoch?: number;
  readonly server?: string;
  readonly live?: string;
  readonly do?: "subscribed" | "heartbeat";
  readonly applied?: readonly string[];
  readonly flushed?: readonly string[];
  readonly cursor?: string;
  readonly proven?: boolean;
}

/** A log, and a receiver of it, as one story has them. */
class Story {
  applied: string[] = [];
  flushed: string[] = [];
  readonly #lease: Lease;
  readonly #follower: LogFollower;
  #log: LogEntry[] = [];
  #epoch = 7;
  #server = "one";
  /** A second for each step. */
  #now = 0;

  constructor() {
    const clock = () => this.#now;
    this.#lease = new Lease({ clock, leaseMs: 500 });
    this.#follower = new LogFollower({
      bus: {
        heartbeat: () => Promise.resolve({ last: this.#log.at(-1)?.id, server: this.#server }),
        read: (after, last) =>
          Promise.resolve(this.#log.filter(({ id }) => id.seq > after.seq && id.seq <= last.seq)),
        resubscribe: () => void this.#follower.onSubscribed(),
      },
      target: {
        apply: ({ changes }) => this.applied.push(...changes.map(({ appId }) => appId)),
        flush: (reason) => this.flushed.push(reason),
      },
      clock,
      lease: this.#lease,
      onGap: () => undefined,
    });
  }

  get cursor(): MessageId | undefined {
    return this.#follower.cursor;
  }

  get isProven(): boolean {
    return this.#lease.isHeld;
  }

  async take(step: Step): Promise<void> {
    this.#now += 1_000;
    this.applied = [];
    this.flushed = [];
    this.#server = step.server ?? this.#server;
    if (step.epoch !== undefined) this.#log = [];
    this.#epoch = step.epoch ?? this.#epoch;
    for (const appId of step.append ?? []) this.#append(appId);
    if (step.keep !== undefined) this.#log = this.#log.slice(-step.keep);
    if (step.live !== undefined) this.#follower.onLive(step.live);
    if (step.do === "subscribed") await this.#follower.onSubscribed();
    if (step.do === "heartbeat") await this.#follower.heartbeat();
  }

  #append(appId: string): void {
    const [message] = encodeChanges([{ appId, type: "updated", keys: [], changed: [] }], {
      table: "t",
      at: 0,
    });
    const seq = (this.#log.at(-1)?.id.seq ?? 0) + 1;
    this.#log.push({ id: { epoch: this.#epoch, seq }, json: message?.whole ?? "" });
  }
}

describe("follow.json", () => {
  it.each(vectors<{ readonly name: string; readonly steps: readonly Step[] }>("follow"))(
    "%s",
    async (_, { steps }) => {
      const story = new Story();
      for (const step of steps) {
        await story.take(step);
        const { applied = [], flushed = [] } = step;
        expect([step, story.applied, story.flushed]).toEqual([step, applied, flushed]);
        if (step.cursor !== undefined)
          expect(story.cursor && formatMessageId(story.cursor)).toBe(step.cursor);
        expect([step, story.isProven]).toEqual([step, step.proven ?? step.do === "subscribed"]);
      }
    },
  );
});
