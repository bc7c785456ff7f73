import { beforeEach, describe, expect, it, vi } from "vitest";
import { type CloseCause, LiveSockets } from "../../../src/agent/live-sockets.ts";
import type { Connection } from "../../../src/agent/ports.ts";

interface TestApp {
  readonly id: string;
  readonly key: string;
  readonly enabled: boolean;
  readonly version: number;
}

class TestConnection implements Connection<TestApp> {
  app: TestApp | undefined;
  closed: string | undefined;
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
  has(app: TestApp): boolean {
    return this.app === app;
  }
  replace(app: TestApp): void {
    this.app = app;
  }
  close(code: number, message: string): void {
    this.closed = `${code} ${message}`;
  }
}

let connections: Map<string, TestConnection[]>;
let table: Map<string, TestApp>;
let lookups: string[];
let broken: boolean;
/** While it is set, lookups are answered when it resolves. */
let held: Promise<undefined> | undefined;
let refreshed: string[];
let closeOn: Set<CloseCause>;

beforeEach(() => {
  connections = new Map();
  table = new Map();
  lookups = [];
  broken = false;
  held = undefined;
  refreshed = [];
  closeOn = new Set(["deleted", "disabled", "rekeyed"]);
});

/** What it does late is written down for the test that made it, not for the one that runs by then. */
function liveSockets(closesPerSecond = 1_000_000): LiveSockets<TestApp> {
  const [ofTest, lookedUp, told] = [connections, lookups, refreshed];
  return new LiveSockets<TestApp>({
    connections: {
      appIds: () => [...ofTest.keys()],
      has: (appId) => ofTest.has(appId),
      of: (appId) => ofTest.get(appId) ?? [],
    },
    lookup: (appId) => {
      lookedUp.push(appId);
      if (broken) return Promise.reject(new Error("down"));
      const found = table.get(appId) ?? null;
      return held ? held.then(() => found) : Promise.resolve(found);
    },
    clock: () => performance.now(),
    closeOn,
    closesPerSecond,
    onRefreshed: (appId, replaced, closed) => told.push(`${appId} +${replaced} -${closed}`),
  });
}

const app = (version: number, extra: Partial<TestApp> = {}): TestApp => ({
  id: "a",
  key: "k",
  enabled: true,
  version,
  ...extra,
});

function connect(appId: string, count: number, key = "k"): TestConnection[] {
  const list = Array.from({ length: count }, () => new TestConnection(key));
  connections.set(appId, [...(connections.get(appId) ?? []), ...list]);
  return list;
}

const refreshedTimes = (count: number) =>
  vi.waitFor(() => {
    expect(refreshed).toHaveLength(count);
  }, 10_000);

describe("a changed app", () => {
  it("is looked up once and put on every connection", async () => {
    const list = connect("a", 500);
    table.set("a", app(2));
    liveSockets().refresh("a");
    await refreshedTimes(1);
    expect(lookups).toEqual(["a"]);
    expect(new Set(list.map((connection) => connection.app))).toEqual(new Set([table.get("a")]));
    expect(refreshed).toEqual(["a +500 -0"]);
  });

  it("is looked up again when it changes meanwhile, after that: the older of two must not come last", async () => {
    const [connection] = connect("a", 1);
    table.set("a", app(2));
    const release: ((value: undefined) => void)[] = [];
    held = new Promise((resolve) => release.push(resolve));
    const sockets = liveSockets();
    sockets.refresh("a");
    table.set("a", app(3));
    sockets.refresh("a");
    sockets.refresh("a");
    expect(lookups).toEqual(["a"]);
    release[0]?.(undefined);
    await refreshedTimes(1);
    expect(lookups).toEqual(["a", "a"]);
    expect(connection?.app).toBe(table.get("a"));
  });

  it("is not put on a connection that has it already", async () => {
    const [first] = connect("a", 2);
    table.set("a", app(2));
    first?.replace(table.get("a") as TestApp);
    liveSockets().refresh("a");
    await refreshedTimes(1);
    expect(refreshed).toEqual(["a +1 -0"]);
  });

  it.each<[CloseCause, TestApp | undefined, string]>([
    ["deleted", undefined, "4001 App key k does not exist."],
    ["disabled", app(2, { enabled: false }), "4003 The app is not enabled."],
    ["rekeyed", app(2, { key: "k2" }), "4001 App key k does not exist."],
  ])("%s closes with Pusher's code, unless told otherwise", async (cause, now, words) => {
    const [connection] = connect("a", 1);
    if (now) table.set("a", now);
    liveSockets().refresh("a");
    await refreshedTimes(1);
    expect(connection?.closed).toBe(words);

    closeOn.delete(cause);
    connections.clear();
    const [other] = connect("a", 1);
    connect("b", 1);
    table.set("b", app(1, { id: "b" }));
    const sockets = liveSockets();
    sockets.refresh("a");
    sockets.refresh("b");
    await vi.waitFor(() => {
      expect(connections.get("b")?.[0]?.app).toBeDefined();
    });
    expect(other?.closed).toBeUndefined();
    expect(other?.app).toBe(now);
  });

  it("keeps connections with the new key and closes those with the old one", async () => {
    const [old] = connect("a", 1, "k1");
    const [fresh] = connect("a", 1, "k2");
    table.set("a", app(2, { key: "k2" }));
    liveSockets().refresh("a");
    await refreshedTimes(1);
    expect(old?.closed).toMatch(/^4001/);
    expect(fresh?.closed).toBeUndefined();
    expect(fresh?.app).toBe(table.get("a"));
  });
});

describe("in doubt", () => {
  it("connections stay as they are while the table cannot be read, and follow once it can", async () => {
    const [connection] = connect("a", 1);
    broken = true;
    const sockets = liveSockets();
    sockets.refresh("a");
    await vi.waitFor(() => {
      expect(lookups).toHaveLength(1);
    });
    expect(connection?.closed).toBeUndefined();
    broken = false;
    table.set("a", app(2));
    await refreshedTimes(1);
    expect(connection?.app).toBe(table.get("a"));
  });

  it("a change during a refresh starts it over with the newest app", async () => {
    const list = connect("a", 20_000);
    table.set("a", app(2));
    const sockets = liveSockets();
    sockets.refresh("a");
    table.set("a", app(3));
    sockets.refresh("a");
    await vi.waitFor(() => {
      expect(list.every((connection) => connection.app?.version === 3)).toBe(true);
    });
  });

  it("an app enabled again while its connections are being closed keeps the rest", async () => {
    const list = connect("a", 50);
    table.set("a", app(2, { enabled: false }));
    const sockets = liveSockets(100);
    sockets.refresh("a");
    await vi.waitFor(() => {
      expect(list.some((connection) => connection.closed)).toBe(true);
    });
    table.set("a", app(3));
    sockets.refresh("a");
    await vi.waitFor(() => {
      expect(list.every((connection) => connection.closed ?? connection.app)).toBe(true);
    });
    expect(list.filter((connection) => connection.closed).length).toBeLessThan(50);
  });
});

describe("many", () => {
  it("apps are refreshed after a flush, a few at a time", async () => {
    for (let i = 0; i < 100; i += 1) {
      connect(`app-${i}`, 1);
      table.set(`app-${i}`, app(2, { id: `app-${i}` }));
    }
    const sockets = liveSockets();
    sockets.refreshAll();
    expect(lookups.length).toBeLessThanOrEqual(8);
    await refreshedTimes(100);
    expect(new Set(lookups).size).toBe(100);
  });

  it("closes are spread, and the event loop goes on", async () => {
    const list = connect("a", 100);
    liveSockets(1_000).refresh("a");
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await vi.waitFor(() => {
      expect(list.every((connection) => connection.closed)).toBe(true);
    });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });

  it("nothing more is done after stop", async () => {
    const list = connect("a", 100);
    const sockets = liveSockets(100);
    sockets.refresh("a");
    await vi.waitFor(() => {
      expect(list.some((connection) => connection.closed)).toBe(true);
    });
    sockets.stop();
    sockets.refresh("a");
    const closed = list.filter((connection) => connection.closed).length;
    // The walk ends at its next step, and says truthfully what it had closed.
    await vi.waitFor(() => {
      expect(refreshed).toEqual([`a +0 -${closed}`]);
    });
    expect(list.filter((connection) => connection.closed).length).toBe(closed);
    expect(lookups).toEqual(["a"]);
  });
});

describe("time", () => {
  const many = (count: number) => Array.from({ length: count }, () => new TestConnection("k"));

  it("is given to others after each slice", async () => {
    let clock = 0;
    const app = { id: "a", key: "k", enabled: true, version: 1 };
    const all = many(40);
    // Each connection takes a millisecond, and nothing but the clock says so.
    for (const one of all) {
      const replace = one.replace.bind(one);
      one.replace = (given) => {
        clock += 1;
        replace(given);
      };
    }
    const done = { replaced: 0 };
    const sockets = new LiveSockets<TestApp>({
      connections: { appIds: () => ["a"], has: () => true, of: () => all },
      lookup: () => Promise.resolve(app),
      clock: () => clock,
      closeOn,
      closesPerSecond: 1_000,
      onRefreshed: (_appId, replaced) => (done.replaced = replaced),
    });
    sockets.refresh("a");
    const seen: number[] = [];
    while (done.replaced === 0) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      seen.push(all.filter(({ app: given }) => given).length);
    }
    expect(done.replaced).toBe(40);
    // Some turns of the event loop came in between, and neither one for each nor none.
    const turns = new Set(seen).size;
    expect(turns).toBeGreaterThan(4);
    expect(turns).toBeLessThan(40);
  });

  it("a stop ends the walk through the connections, and nothing is told", async () => {
    table.set("a", { id: "a", key: "k", enabled: true, version: 1 });
    const all = many(3);
    connections.set("a", all);
    const sockets = liveSockets();
    const [first] = all;
    if (first)
      first.replace = () => {
        sockets.stop();
      };
    sockets.refresh("a");
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(all.slice(1).some(({ app }) => app)).toBe(false);
    expect(refreshed).toEqual([]);
  });

  it("after a stop nothing begins, and nothing is tried again", async () => {
    connections.set("a", many(1));
    broken = true;
    const sockets = liveSockets();
    sockets.refresh("a");
    sockets.stop();
    sockets.refresh("a");
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(lookups).toEqual(["a"]);
    vi.useFakeTimers();
    try {
      await vi.advanceTimersByTimeAsync(60_000);
    } finally {
      vi.useRealTimers();
    }
    expect(lookups).toEqual(["a"]);
  });

  it("an app without connections is not tried again, and one that is waited for only once", async () => {
    vi.useFakeTimers();
    try {
      broken = true;
      const sockets = liveSockets();
      sockets.refresh("gone");
      connections.set("a", many(1));
      sockets.refresh("a");
      await vi.advanceTimersByTimeAsync(0);
      sockets.refresh("a");
      await vi.advanceTimersByTimeAsync(0);
      lookups.length = 0;
      broken = false;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(lookups).toEqual(["a"]);
      sockets.stop();
    } finally {
      vi.useRealTimers();
    }
  });

  it("nobody is told when nothing had to be done", async () => {
    const app = { id: "a", key: "k", enabled: true, version: 1 };
    table.set("a", app);
    const [one] = many(1);
    if (one) one.app = app;
    connections.set("a", one ? [one] : []);
    liveSockets().refresh("a");
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(lookups).toEqual(["a"]);
    expect(refreshed).not.toContain("a +0 -0");
  });
});
