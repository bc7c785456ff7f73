import { beforeEach, describe, expect, it } from "vitest";
import { OtherServerError } from "../../../src/agent/errors.ts";
import { TRANSITIONS } from "../../../src/agent/follower-state.ts";
import { Lease } from "../../../src/agent/lease.ts";
import { LogFollower } from "../../../src/agent/log-follower.ts";
import type { Bus, Tail } from "../../../src/agent/ports.ts";
import type { LogEntry } from "../../../src/protocol/live.ts";
import { formatMessageId, type MessageId } from "../../../src/protocol/message-id.ts";
import { encodeChanges, encodeFlush } from "../../../src/protocol/encode.ts";

/** A log in memory. What it publishes goes nowhere by itself: a test delivers it, or loses it. */
class MemoryLog implements Bus {
  entries: LogEntry[] = [];
  epoch = 100;
  seq = 0;
  server: string | undefined = "run/replication";
  run: string | undefined = "run";
  resubscribed = 0;
  /** Set to make every call reject. */
  broken: Error | undefined;
  reads = 0;
  /** When set, heartbeats answer only when it is called. */
  held: (() => void)[] | undefined;

  append(json: string): LogEntry {
    this.seq += 1;
    const entry = { id: { epoch: this.epoch, seq: this.seq }, json };
    this.entries.push(entry);
    return entry;
  }

  async heartbeat(): Promise<Tail> {
    if (this.broken) throw this.broken;
    const last = this.seq > 0 ? { last: { epoch: this.epoch, seq: this.seq } } : {};
    const tail = { ...last, server: this.server, run: this.run };
    if (this.held) await new Promise<void>((resolve) => this.held?.push(resolve));
    return tail;
  }

  resubscribe(): void {
    this.resubscribed += 1;
  }

  read(after: MessageId, last: MessageId): Promise<readonly LogEntry[]> {
    this.reads += 1;
    if (this.broken) return Promise.reject(this.broken);
    const inRange = ({ id }: LogEntry) => id.epoch === last.epoch && id.seq > after.seq && id.seq <= last.seq;
    return Promise.resolve(this.entries.filter(inRange));
  }
}

const message = (appId: string) =>
  encodeChanges([{ appId, type: "updated", keys: [], changed: [] }], { table: "apps", at: 0 })[0]?.whole ??
  "";
const live = ({ id, json }: LogEntry) => `${formatMessageId(id)} ${json}`;

let log: MemoryLog;
let now: number;
let events: string[];
let gaps: number;
let lease: Lease;
let follower: LogFollower;

beforeEach(() => {
  log = new MemoryLog();
  now = 1_000;
  events = [];
  gaps = 0;
  lease = new Lease({ clock: () => now, leaseMs: 3_000 });
  follower = new LogFollower({
    bus: log,
    target: {
      apply: ({ changes }) => events.push(...changes.map(({ appId }) => appId)),
      flush: (reason) => events.push(`flush ${reason}`),
    },
    clock: () => now,
    lease,
    onGap: () => {
      gaps += 1;
    },
  });
});

/** Subscribed and in step with a log of `count` messages; nothing recorded yet. */
async function following(count = 1): Promise<void> {
  for (let i = 0; i < count; i += 1) log.append(message(`old-${i}`));
  await follower.onSubscribed();
  expect(follower.state).toBe("following");
  events = [];
}

describe("another server", () => {
  const OTHERS = [
    ["run id", "other/replication"],
    ["replication id", "run/other"],
    ["epoch", "run/replication/2"],
    ["silence about itself", undefined],
  ] as const;

  it.each(OTHERS)(
    "seen by its %s while following: a flush, and the subscription is made anew",
    async (_, server) => {
      await following();
      log.server = server;
      await follower.heartbeat();
      expect(events).toEqual(["flush server-changed"]);
      expect([follower.state, log.resubscribed]).toEqual(["down", 1]);
      // The former server's, late: this server gives the number to another message.
      follower.onLive(live({ id: { epoch: 100, seq: 2 }, json: message("late") }));
      const newest = log.append(message("new"));
      follower.onLost();
      await follower.onSubscribed();
      expect(events).toEqual(["flush server-changed", "new"]);
      expect([follower.state, follower.cursor, log.resubscribed]).toEqual(["following", newest.id, 1]);
    },
  );

  it.each(OTHERS)(
    "seen by its %s, of which the new subscription is known to be: a flush is enough",
    async (_, server) => {
      await following();
      follower.onLost();
      log.server = server;
      await follower.onSubscribed("run");
      expect(events).toEqual(["flush server-changed"]);
      expect([follower.state, log.resubscribed]).toEqual(["following", 0]);
      // The second heartbeat of this subscription: what came with it may be older than the change.
      log.server = "run/third";
      await follower.heartbeat();
      expect([follower.state, log.resubscribed]).toEqual(["down", 1]);
    },
  );

  it("than the subscription's, from the first sync on: nothing is proven, and both are connected to anew", async () => {
    await expect(follower.onSubscribed("elsewhere")).rejects.toThrow(OtherServerError);
    expect([follower.state, log.resubscribed, lease.isHeld]).toEqual(["down", 1, false]);
    await follower.onSubscribed("run");
    expect([follower.state, lease.isHeld]).toEqual(["following", true]);
  });

  it("than the subscription's, later: the heartbeat that finds it renews no lease, though the log's end is the same", async () => {
    await follower.onSubscribed("run");
    now = 2_000;
    log.run = "elsewhere";
    await expect(follower.heartbeat()).rejects.toThrow(/expected heartbeats and messages .* found two/);
    expect([follower.state, log.resubscribed, lease.until]).toEqual(["down", 1, 4_000]);
  });

  it.each([
    ["the subscription's", undefined, "run"],
    ["the heartbeat's", "run", undefined],
  ])("cannot be told where %s run id is not known", async (_, subscribed, run) => {
    log.run = run;
    await follower.onSubscribed(subscribed);
    expect([follower.state, log.resubscribed]).toEqual(["following", 0]);
  });

  it("that does not say who it is: messages are followed, and no lease is ever had", async () => {
    log.server = undefined;
    await following();
    now = 2_000;
    await follower.heartbeat();
    follower.onLive(live(log.append(message("a"))));
    expect(events).toEqual(["a"]);
    expect([follower.state, lease.isHeld]).toEqual(["following", false]);
  });
});

describe("the transition table", () => {
  it("has exactly these transitions", () => {
    expect(TRANSITIONS).toEqual({
      down: { subscribed: "syncing", lost: "down", gap: "down", synced: "down" },
      syncing: { subscribed: "syncing", lost: "down", gap: "syncing", synced: "following" },
      following: { subscribed: "syncing", lost: "down", gap: "syncing", synced: "following" },
    } satisfies typeof TRANSITIONS);
  });

  it("down -> syncing -> following on an acknowledged subscription", async () => {
    expect(follower.state).toBe("down");
    const syncing = follower.onSubscribed();
    expect(follower.state).toBe("syncing");
    await syncing;
    expect(follower.state).toBe("following");
  });

  it("syncing -> down when the subscription goes meanwhile, and the answer is dropped", async () => {
    log.held = [];
    const syncing = follower.onSubscribed();
    follower.onLost();
    expect(follower.state).toBe("down");
    log.held.forEach((answer) => {
      answer();
    });
    await syncing;
    expect(follower.state).toBe("down");
    expect(lease.until).toBe(Number.NEGATIVE_INFINITY);
    expect(events).toEqual([]);
  });

  it("following -> down -> following over a lost subscription", async () => {
    await following();
    follower.onLost();
    expect(follower.state).toBe("down");
    await follower.onSubscribed();
    expect(follower.state).toBe("following");
    expect(events).toEqual([]);
  });

  it("following -> syncing at a hole, and asks to be heard soon", async () => {
    await following();
    log.append(message("lost"));
    follower.onLive(live(log.append(message("b"))));
    expect(follower.state).toBe("syncing");
    expect(gaps).toBe(1);
  });
});

describe("first sync", () => {
  it("flushes: what was loaded before the subscription was acknowledged proves nothing", async () => {
    log.append(message("a"));
    await follower.onSubscribed();
    expect(events).toEqual(["flush first-sync"]);
    expect(follower.cursor).toEqual({ epoch: 100, seq: 1 });
  });

  it("works while there is no log yet, and then follows it from its first message", async () => {
    await follower.onSubscribed();
    await follower.heartbeat();
    expect(lease.until).toBe(4_000);
    follower.onLive(live(log.append(message("a"))));
    expect(events).toEqual(["flush first-sync", "flush new-epoch", "a"]);
    follower.onLive(live(log.append(message("b"))));
    expect(events.at(-1)).toBe("b");
  });

  it("stays without a lease when Redis does not answer, and is made up for by a heartbeat", async () => {
    log.broken = new Error("down");
    await expect(follower.onSubscribed()).rejects.toThrow("down");
    expect(follower.state).toBe("syncing");
    log.broken = undefined;
    await follower.heartbeat();
    expect(follower.state).toBe("following");
    expect(events).toEqual(["flush first-sync"]);
  });
});

describe("live messages", () => {
  it("are applied in order", async () => {
    await following();
    for (const app of ["a", "b", "c"]) follower.onLive(live(log.append(message(app))));
    expect(events).toEqual(["a", "b", "c"]);
    expect(log.reads).toBe(0);
  });

  it("after a hole are acted on at once, and again in their turn after its replay", async () => {
    await following();
    log.append(message("lost"));
    follower.onLive(live(log.append(message("b"))));
    follower.onLive(live(log.append(message("c"))));
    expect(events).toEqual(["b", "c"]);
    await follower.heartbeat();
    expect(events).toEqual(["b", "c", "lost", "b", "c"]);
    expect(follower.cursor?.seq).toBe(4);
    expect(follower.state).toBe("following");
  });

  it("that come again after a replay are acted on again, and the next one is the next", async () => {
    await following();
    const late = log.append(message("late"));
    await follower.heartbeat();
    follower.onLive(live(late));
    follower.onLive(live(log.append(message("next"))));
    expect(events).toEqual(["late", "late", "next"]);
    expect(follower.state).toBe("following");
  });

  it("with a number that was replayed are acted on: another server may give it again, and not say who it is", async () => {
    await following();
    const lost = log.append(message("lost"));
    await follower.heartbeat();
    follower.onLive(live({ ...lost, json: message("in its place") }));
    expect(events).toEqual(["lost", "in its place"]);
  });

  it("that come while the heartbeat is answered are no reason to doubt", async () => {
    await following();
    log.held = [];
    now = 2_000;
    const beat = follower.heartbeat();
    follower.onLive(live(log.append(message("a"))));
    log.held[0]?.();
    await beat;
    expect(events).toEqual(["a"]);
    expect(lease.until).toBe(5_000);
  });

  it("that cannot be read flush", async () => {
    await following();
    follower.onLive("garbage");
    follower.onLive(live(log.append('{"v":2}')));
    follower.onLive(live(log.append("{")));
    expect(events).toEqual([
      "flush unreadable-message",
      "flush unreadable-message",
      "flush unreadable-message",
    ]);
    expect(follower.state).toBe("following");
  });

  it("that ask for a flush get one", async () => {
    await following();
    follower.onLive(live(log.append(encodeFlush("operator", 0).whole)));
    expect(events).toEqual(["flush requested"]);
  });

  it("of another epoch flush, and are followed on", async () => {
    await following();
    log.epoch = 200;
    log.seq = 0;
    follower.onLive(live(log.append(message("a"))));
    follower.onLive(live(log.append(message("b"))));
    expect(events).toEqual(["flush new-epoch", "a", "b"]);
  });

  it("that run backwards on one subscription flush: the log lost its end and uses the numbers again", async () => {
    await following();
    follower.onLive(live(log.append(message("a"))));
    log.seq -= 1;
    follower.onLive(live(log.append(message("a2"))));
    expect(events).toEqual(["a", "a2", "flush sequence-backwards"]);
    await follower.heartbeat();
    expect(events.at(-1)).toBe("flush sequence-backwards");
    expect(follower.state).toBe("following");
  });

  it("are not listened to while down", async () => {
    await following();
    follower.onLost();
    follower.onLive(live(log.append(message("a"))));
    expect(events).toEqual([]);
  });
});

describe("a live message that the log does not have, because a failover lost its end", () => {
  it("has Redis asked twice at once, and then with each heartbeat", async () => {
    await following();
    const lost = log.append(message("lost"));
    const live3 = log.append(message("b"));
    log.entries = log.entries.filter(({ id }) => id.seq < lost.id.seq);
    log.seq = 1;
    follower.onLive(live(live3));
    expect(gaps).toBe(1);
    await follower.heartbeat();
    expect(gaps).toBe(2);
    await follower.heartbeat();
    await follower.heartbeat();
    expect(gaps).toBe(2);
    expect(follower.state).toBe("following");
    // What is known is proven all the same: all of the log is applied, and the message was acted on when it came.
    expect(lease.until).toBe(4_000);
    expect(events[0]).toBe("b");
    follower.onLive(live(log.append(message("again"))));
    expect(events.at(-1)).toBe("flush sequence-backwards");
    await follower.heartbeat();
    expect(follower.state).toBe("following");
  });

  it("or that somebody made up, far ahead, keeps nothing waiting: what follows is applied as it comes", async () => {
    await following();
    const made = (seq: number) => `100-${seq} ${message("made up")}`;
    follower.onLive(made(1_000));
    await follower.heartbeat();
    await follower.heartbeat();
    follower.onLive(made(2_000));
    expect(events.at(-1)).toBe("made up");
    // It cannot be told from a log that lost its end: the first true one flushes.
    follower.onLive(live(log.append(message("a"))));
    expect(events.at(-1)).toBe("flush sequence-backwards");
    await follower.heartbeat();
    for (const appId of ["b", "c"]) {
      follower.onLive(live(log.append(message(appId))));
      expect([follower.state, follower.cursor?.seq, events.at(-1)]).toEqual(["following", log.seq, appId]);
    }
  });
});

describe("what is counted", () => {
  it("messages, replays that read any, and what those read", async () => {
    await following(2);
    expect(follower.stats).toEqual({ messages: 0, replays: 0, replayedMessages: 0 });
    follower.onLive(live(log.append(message("a"))));
    expect(follower.stats).toEqual({ messages: 1, replays: 0, replayedMessages: 0 });
    log.append(message("b"));
    log.append(message("c"));
    await follower.heartbeat();
    expect(follower.stats).toEqual({ messages: 3, replays: 1, replayedMessages: 2 });
    follower.onLost();
    await follower.onSubscribed();
    expect(follower.stats).toEqual({ messages: 3, replays: 1, replayedMessages: 2 });
    expect(log.reads).toBe(1);
  });
});

describe("after a reconnect", () => {
  it("replays what was missed, without a flush", async () => {
    await following();
    follower.onLost();
    log.append(message("a"));
    log.append(message("b"));
    await follower.onSubscribed();
    expect(events).toEqual(["a", "b"]);
  });

  it("acts at once on live messages that come during the replay, and again after it", async () => {
    await following();
    follower.onLost();
    log.append(message("missed"));
    log.held = [];
    const syncing = follower.onSubscribed();
    follower.onLive(live(log.append(message("live"))));
    log.held[0]?.();
    await syncing;
    expect(events).toEqual(["live", "missed", "live"]);
  });

  it("does not let a sync under way settle a doubt that came up meanwhile", async () => {
    await following();
    follower.onLost();
    log.held = [];
    const syncing = follower.onSubscribed();
    const entry = log.append(message("a"));
    follower.onLive(live(entry));
    follower.onLive(live(entry));
    expect(events).toEqual(["a", "a", "flush sequence-backwards"]);
    while (log.held.length > 0) {
      log.held.shift()?.();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await syncing;
    expect(events.at(-1)).toBe("flush sequence-backwards");
    expect(events).toHaveLength(4);
    expect(follower.state).toBe("following");
  });

  it.each([
    ["log-trimmed", () => (log.entries = log.entries.slice(-1))],
    ["log-trimmed", () => (log.entries = log.entries.filter((_, i) => i !== 2))],
    // Whole in number, but not these: another log was made in the meantime.
    [
      "log-trimmed",
      () =>
        (log.read = (_after, last) =>
          Promise.resolve(
            log.entries.slice(0, 2).map((entry) => ({ ...entry, id: { ...entry.id, epoch: last.epoch } })),
          )),
    ],
    [
      "log-trimmed",
      () =>
        (log.read = () =>
          Promise.resolve(log.entries.slice(-2).map(({ id, json }) => ({ id: { ...id, epoch: 7 }, json })))),
    ],
    [
      "log-trimmed",
      () => (log.read = () => Promise.resolve([...log.entries.slice(-2), ...log.entries.slice(-1)])),
    ],
    ["new-epoch", () => (log.epoch = 200)],
    ["new-epoch", () => (log.seq = 0)],
    ["sequence-backwards", () => (log.seq = 1)],
  ])("flushes with the reason %s when the replay is not complete", async (reason, happen) => {
    await following(2);
    follower.onLost();
    log.append(message("a"));
    log.append(message("b"));
    happen();
    await follower.onSubscribed();
    expect(events).toEqual([`flush ${reason}`]);
    expect(follower.state).toBe("following");
    expect(lease.until).toBe(4_000);
  });

  it("starts over when the subscription changes during the sync", async () => {
    await following();
    follower.onLost();
    log.held = [];
    const first = follower.onSubscribed();
    follower.onLost();
    log.append(message("a"));
    const second = follower.onSubscribed();
    while (log.held.length > 0) {
      log.held.shift()?.();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await Promise.all([first, second]);
    expect(events).toEqual(["a"]);
    expect(follower.state).toBe("following");
  });

  it("does not hold against the new subscription that the answer to the former one is of another server", async () => {
    log.held = [];
    const first = follower.onSubscribed("run");
    follower.onLost();
    log.run = "other";
    const second = follower.onSubscribed("other");
    while (log.held.length > 0) {
      log.held.shift()?.();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await Promise.all([first, second]);
    expect([follower.state, log.resubscribed]).toEqual(["following", 0]);
  });
});

describe("the lease", () => {
  it("is counted from when the heartbeat was sent", async () => {
    await following();
    log.held = [];
    now = 2_000;
    const beat = follower.heartbeat();
    now = 2_900;
    log.held[0]?.();
    await beat;
    expect(lease.until).toBe(5_000);
  });

  it("is not renewed while the cursor is behind: the lost last message is replayed first", async () => {
    await following();
    log.append(message("last"));
    now = 2_000;
    await follower.heartbeat();
    expect(events).toEqual(["last"]);
    expect(lease.until).toBe(5_000);
  });

  it("runs out when Redis does not answer", async () => {
    await following();
    log.broken = new Error("down");
    now = 2_000;
    await expect(follower.heartbeat()).rejects.toThrow("down");
    expect(lease.until).toBe(4_000);
  });

  it("runs out when the replay of a hole fails, and the hole is not forgotten", async () => {
    await following();
    log.append(message("lost"));
    const read = log.read.bind(log);
    log.read = () => Promise.reject(new Error("cut"));
    now = 2_000;
    await expect(follower.heartbeat()).rejects.toThrow("cut");
    expect(lease.until).toBe(4_000);
    log.read = read;
    await follower.heartbeat();
    expect(events).toEqual(["lost"]);
  });

  it("is not renewed by an answer to a question of an earlier subscription", async () => {
    await following();
    log.held = [];
    now = 2_000;
    const beat = follower.heartbeat();
    follower.onLost();
    log.held[0]?.();
    await beat;
    expect(lease.until).toBe(4_000);
  });

  it.each([
    ["server-changed", () => (log.server = "other/replication")],
    ["sequence-backwards", () => (log.seq = 1)],
    ["new-epoch", () => (log.epoch = 200)],
  ])("is given again after a flush when a heartbeat finds %s", async (reason, happen) => {
    await following(2);
    happen();
    await follower.heartbeat();
    expect(events).toEqual([`flush ${reason}`]);
    await follower.heartbeat();
    expect(events).toHaveLength(1);
  });
});
