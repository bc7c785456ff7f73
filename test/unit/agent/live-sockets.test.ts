import { beforeEach, describe, expect, it, vi } from "vitest";
import { type CloseCause, DEFAULT_CLOSE_CODES, DEFAULT_CLOSE_ON } from "../../../src/agent/close-causes.ts";
import { Closer } from "../../../src/agent/closer.ts";
import { LiveSockets } from "../../../src/agent/live-sockets.ts";
import type { Connection } from "../../../src/agent/ports.ts";
import { nextTurn } from "../../../src/async/next-turn.ts";
import { waitFor } from "../../support/wait-for.ts";

interface TestApp {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
  readonly enabled: boolean;
  readonly version: number;
}

let made = 0;

class TestConnection implements Connection<TestApp> {
  readonly id = `${(made += 1)}`;
  app: TestApp | undefined;
  closed: string | undefined;
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
  has(app: TestApp): boolean {
    return this.app === app;
  }
  hasSecretOf(app: TestApp): boolean {
    return this.app?.secret === app.secret;
  }
  replace(app: TestApp): void {
    this.app = app;
  }
  close(code: number, message: string): void {
    this.closed = `${code} ${message}`;
  }
}

let connections: Map<string, TestConnection[]>;
let refreshed: string[];
let closeOn: Set<CloseCause>;

beforeEach(() => {
  connections = new Map();
  refreshed = [];
  closeOn = new Set(DEFAULT_CLOSE_ON);
});

interface Overrides {
  readonly closesPerSecond?: number;
  readonly clock?: () => number;
}

function liveSockets({ closesPerSecond = 1_000_000, clock = () => performance.now() }: Overrides = {}) {
  const [ofTest, told] = [connections, refreshed];
  const closer = new Closer({
    clock: () => performance.now(),
    closesPerSecond,
    onClosed: (appId, closed) => told.push(`${appId} -${closed}`),
  });
  return new LiveSockets<TestApp>({
    connections: { of: (appId) => ofTest.get(appId) ?? [] },
    clock,
    closer,
    closeOn,
    closeCodes: { ...DEFAULT_CLOSE_CODES, rekeyed: 4200 },
    onReplaced: (appId, _app, replaced) => told.push(`${appId} +${replaced}`),
  });
}

const app = (version: number, extra: Partial<TestApp> = {}): TestApp => ({
  id: "a",
  key: "k",
  secret: "s",
  enabled: true,
  version,
  ...extra,
});

function connect(appId: string, count: number, key = "k"): TestConnection[] {
  const list = Array.from({ length: count }, () => new TestConnection(key));
  for (const connection of list) connection.app = app(1);
  connections.set(appId, [...(connections.get(appId) ?? []), ...list]);
  return list;
}

const told = (...lines: string[]) =>
  waitFor(() => {
    expect(refreshed).toEqual(lines);
  });

describe("a changed app", () => {
  it("is put on every connection", async () => {
    const list = connect("a", 500);
    const now = app(2);
    liveSockets().follow("a", now);
    await told("a +500");
    expect(new Set(list.map((connection) => connection.app))).toEqual(new Set([now]));
  });

  it("is not put on a connection that has it already", async () => {
    const [first] = connect("a", 2);
    const now = app(2);
    first?.replace(now);
    liveSockets().follow("a", now);
    await told("a +1");
  });

  it.each<[CloseCause, TestApp | null, string]>([
    ["deleted", null, "4001 App key k does not exist."],
    ["disabled", app(2, { enabled: false }), "4003 The app is not enabled."],
    ["rekeyed", app(2, { key: "k2" }), "4200 App key k does not exist."],
    ["secret-rotated", app(2, { secret: "s2" }), "4200 The app has a new secret. Please reconnect."],
  ])("%s closes with the code that is set, unless told otherwise", async (cause, now, words) => {
    closeOn.add("secret-rotated");
    const [connection] = connect("a", 1);
    liveSockets().follow("a", now);
    await told("a -1");
    expect(connection?.closed).toBe(words);

    closeOn.delete(cause);
    connections.clear();
    const [other] = connect("a", 1);
    const before = other?.app;
    const sockets = liveSockets();
    sockets.follow("a", now);
    const [next] = connect("b", 1);
    sockets.follow("b", app(2, { id: "b" }));
    await waitFor(() => {
      expect(next?.app?.version).toBe(2);
    });
    expect(other?.closed).toBeUndefined();
    expect(other?.app).toBe(now ?? before);
  });

  it("with a new secret keeps its connections by default", async () => {
    const [connection] = connect("a", 1);
    liveSockets().follow("a", app(2, { secret: "s2" }));
    await told("a +1");
    expect(connection?.closed).toBeUndefined();
  });

  it("with another limit and the same secret keeps them, also when a new secret would end them", async () => {
    closeOn.add("secret-rotated");
    connect("a", 1);
    liveSockets().follow("a", app(2));
    await told("a +1");
  });

  it("keeps connections with the new key and closes those with the old one", async () => {
    const [old] = connect("a", 1, "k1");
    const [fresh] = connect("a", 1, "k2");
    const now = app(2, { key: "k2" });
    liveSockets({ clock: () => 0 }).follow("a", now);
    await told("a +1", "a -1");
    expect(old?.closed).toMatch(/^4200/);
    expect(fresh?.closed).toBeUndefined();
    expect(fresh?.app).toBe(now);
  });

  it("that changes again meanwhile is followed from the start, with the newest app", async () => {
    const list = connect("a", 20_000);
    const sockets = liveSockets();
    sockets.follow("a", app(2));
    await nextTurn();
    sockets.follow("a", app(3));
    await waitFor(() => {
      expect(list.every((connection) => connection.app?.version === 3)).toBe(true);
    });
  });

  it("that is followed again on the way tells of each connection that was given it", async () => {
    const list = connect("a", 20);
    let now = 0;
    const sockets = liveSockets({ clock: () => (now += 1) });
    const changed = app(2);
    sockets.follow("a", changed);
    expect(list.filter((connection) => connection.has(changed)).length).toBeLessThan(20);
    sockets.follow("a", changed);
    await told("a +20");
  });

  it("that is gone, and said to be gone again, is closed in one go, which is told once", async () => {
    const [first, ...others] = connect("a", 20);
    const sockets = liveSockets({ clock: () => 0 });
    if (first)
      first.close = () => {
        connections.set("a", others);
        sockets.follow("a", null);
      };
    sockets.follow("a", null);
    await waitFor(() => {
      expect(refreshed).toContain("a -20");
    });
    expect(refreshed).toEqual(["a -20"]);
  });

  it("enabled again at once keeps all, also those that are looked at later", async () => {
    const list = connect("a", 20);
    let now = 0;
    const sockets = liveSockets({ clock: () => (now += 1) });
    sockets.follow("a", app(2, { enabled: false }));
    sockets.follow("a", app(3));
    await waitFor(() => {
      expect(list.every((connection) => connection.app?.version === 3)).toBe(true);
    });
    expect(list.filter(({ closed }) => closed)).toEqual([]);
    expect(refreshed).toEqual(["a +20"]);
  });

  it("enabled again while its connections are being closed keeps the rest", async () => {
    const list = connect("a", 50);
    const sockets = liveSockets({ closesPerSecond: 100 });
    sockets.follow("a", app(2, { enabled: false }));
    await waitFor(() => {
      expect(list.some((connection) => connection.closed)).toBe(true);
    });
    sockets.follow("a", app(3));
    await waitFor(() => {
      expect(list.every((connection) => connection.closed ?? connection.app?.version === 3)).toBe(true);
    });
    const closed = list.filter((connection) => connection.closed).length;
    expect(closed).toBeLessThan(50);
    // Told whenever none waits any more, which on a slow machine is more than once.
    const told = refreshed.flatMap((line) =>
      line.startsWith("a -") ? [Number(line.slice("a -".length))] : [],
    );
    expect(told.reduce((sum, one) => sum + one, 0)).toBe(closed);
  });
});

describe("a single connection", () => {
  it("is given the app, or is closed, and no other is looked at", async () => {
    const [one, other, third] = connect("a", 3);
    const sockets = liveSockets();
    const now = app(2);
    if (!one || !other) throw new Error("expected three connections");
    sockets.followOne("a", now, one);
    expect([one.app, third?.app?.version]).toEqual([now, 1]);
    sockets.followOne("a", null, other);
    await told("a -1");
    expect(other.closed).toMatch(/^4001/);
    expect([one.closed, third?.closed]).toEqual([undefined, undefined]);
  });

  it("that enters again and again does not put off the end of the others, nor its own", async () => {
    const list = connect("a", 200);
    const [restless] = list;
    if (!restless) throw new Error("expected a connection");
    const sockets = liveSockets({ closesPerSecond: 2_000 });
    sockets.follow("a", null);
    while (!list.every((connection) => connection.closed)) {
      sockets.followOne("a", null, restless);
      await nextTurn();
    }
    expect(restless.closed).toMatch(/^4001/);
  });
});

describe("the walk through the connections", () => {
  const countUpdated = () =>
    [...connections.values()].flat().filter((connection) => connection.app?.version === 2).length;

  it("begins at once, also right after another has ended", () => {
    connect("a", 1);
    connect("b", 1);
    const sockets = liveSockets({ clock: () => 0 });
    sockets.follow("a", app(2));
    sockets.follow("b", app(2, { id: "b" }));
    expect(countUpdated()).toBe(2);
  });

  it("takes one slice in a turn of the event loop, however many apps change in it", () => {
    connect("a", 20);
    connect("b", 20);
    let now = 0;
    const sockets = liveSockets({ clock: () => (now += 1) });
    sockets.follow("a", app(2));
    const inOneSlice = countUpdated();
    sockets.follow("b", app(2, { id: "b" }));
    expect([inOneSlice, countUpdated()]).toEqual([2, 2]);
    sockets.stop();
  });

  it("goes on without a pause while there is more to do", async () => {
    // A pause would never end.
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      for (const id of ["a", "b", "c"]) connect(id, 2);
      let now = 0;
      const sockets = liveSockets({ clock: () => (now += 1) });
      for (const id of ["a", "b", "c"]) sockets.follow(id, app(2, { id }));
      for (let turn = 0; turn < 10; turn += 1) await nextTurn();
      expect(refreshed).toEqual(["a +2", "b +2", "c +2"]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("time", () => {
  it("is given to others after each slice", async () => {
    let clock = 0;
    const all = connect("a", 40);
    // Each connection takes a millisecond, and nothing but the clock says so.
    for (const one of all) {
      const replace = one.replace.bind(one);
      one.replace = (given) => {
        clock += 1;
        replace(given);
      };
    }
    liveSockets({ clock: () => clock }).follow("a", app(2));
    const seen: number[] = [];
    while (refreshed.length === 0) {
      await nextTurn();
      seen.push(all.filter(({ app: given }) => given?.version === 2).length);
    }
    expect(refreshed).toEqual(["a +40"]);
    // Some turns of the event loop came in between, and neither one for each nor none.
    const turns = new Set(seen).size;
    expect(turns).toBeGreaterThan(4);
    expect(turns).toBeLessThan(40);
  });

  it("is shared: a small app does not wait for a large one's end", async () => {
    const large = connect("a", 50_000);
    const [small] = connect("b", 1);
    const sockets = liveSockets();
    sockets.follow("a", app(2));
    sockets.follow("b", app(2, { id: "b" }));
    while (small?.app?.version !== 2) await nextTurn();
    expect(large.at(-1)?.app?.version).toBe(1);
    sockets.stop();
  });

  it("a stop ends the walk through the connections, and nothing is told", async () => {
    const all = connect("a", 3);
    const sockets = liveSockets();
    const [first] = all;
    if (first)
      first.replace = () => {
        sockets.stop();
      };
    sockets.follow("a", app(2));
    await nextTurn();
    expect(all.slice(1).some((one) => one.app?.version === 2)).toBe(false);
    expect(refreshed).toEqual([]);
  });

  it("after a stop nothing begins", async () => {
    const [one] = connect("a", 1);
    const sockets = liveSockets();
    sockets.stop();
    sockets.follow("a", app(2));
    if (one) sockets.followOne("a", app(2), one);
    await nextTurn();
    expect(one?.app?.version).toBe(1);
  });

  it("nobody is told when nothing had to be done", async () => {
    const [one] = connect("a", 1);
    const now = app(2);
    one?.replace(now);
    const [other] = connect("b", 1);
    const sockets = liveSockets();
    sockets.follow("a", now);
    sockets.follow("b", app(2, { id: "b" }));
    await told("b +1");
    expect(other?.app?.version).toBe(2);
  });
});
