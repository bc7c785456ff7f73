import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Closer } from "../../../src/agent/closer.ts";
import { waitFor } from "../../support/wait-for.ts";

let closed: string[];
let told: string[];
/** How long soketi is busy with each closed connection, after `close` has returned. Milliseconds. */
let busyMs: number;

beforeEach(() => {
  closed = [];
  told = [];
  busyMs = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

const clock = () => performance.now();

function closer(closesPerSecond = 1_000_000): Closer {
  const lines = told;
  return new Closer({
    clock,
    closesPerSecond,
    onClosed: (appId, count) => lines.push(`${appId} ${count}`),
  });
}

function closing(name: string) {
  const [ofTest, ms] = [closed, busyMs];
  return {
    connection: {
      id: name,
      close: (code: number, message: string) => {
        ofTest.push(name);
        expect([code, message]).toEqual([4001, "gone"]);
        void Promise.resolve().then(() => {
          for (const until = clock() + ms; clock() < until;);
        });
      },
    },
    code: 4001,
    message: "gone",
  };
}

function addAll(to: Closer, appId: string, count: number): void {
  for (let i = 0; i < count; i += 1) to.add(appId, closing(`${appId}${i}`));
}

const closedAll = (count: number) =>
  waitFor(() => {
    expect(closed).toHaveLength(count);
  });

describe("the closer", () => {
  it("closes all, tells how many of each app, and begins anew when there is more", async () => {
    const one = closer();
    addAll(one, "a", 3);
    await closedAll(3);
    expect(told).toEqual(["a 3"]);
    addAll(one, "b", 2);
    await closedAll(5);
    expect(told).toEqual(["a 3", "b 2"]);
  });

  it("closes so many in a second, of all apps together", async () => {
    // A turn is one of the real event loop's; the pauses between them are not waited for.
    vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
    const one = closer(1_000);
    const begunAt = clock();
    for (let i = 0; i < 30; i += 1) addAll(one, `app-${i}-`, 10);
    while (closed.length < 300) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      await vi.advanceTimersByTimeAsync(1);
    }
    const tookMs = clock() - begunAt;
    // What 20 ms give may be closed at once.
    expect(tookMs).toBeGreaterThan(275);
    expect(tookMs).toBeLessThan(400);
  });

  it("waits with a timer, and not in the event loop, while no more may be closed for now", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
    const one = closer(1);
    addAll(one, "a", 2);
    for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect([closed, vi.getTimerCount()]).toEqual([["a0"], 1]);
    one.stop();
  });

  it("is fair: of two apps, the one with a single connection does not wait for the other", async () => {
    const one = closer(1_000);
    addAll(one, "large", 500);
    addAll(one, "small", 1);
    await waitFor(() => {
      expect(told).toEqual(["small 1"]);
    });
    expect(closed.indexOf("small0")).toBeLessThanOrEqual(1);
    one.stop();
  });

  it("gives the event loop back, by how long the closed ones really take", async () => {
    busyMs = 2;
    const one = closer();
    addAll(one, "a", 100);
    let most = 0;
    let before = 0;
    const turn = () => {
      most = Math.max(most, closed.length - before);
      before = closed.length;
      if (closed.length < 100) setImmediate(turn);
    };
    setImmediate(turn);
    await closedAll(100);
    // Two of them take as long as a turn may.
    expect(most).toBeLessThanOrEqual(2);
  });

  it("begins slowly each time: what it closes then may take longer", async () => {
    const one = closer();
    addAll(one, "a", 1_000);
    await closedAll(1_000);
    busyMs = 2;
    const before = closed.length;
    addAll(one, "b", 10);
    while (closed.length === before) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(closed.length - before).toBeLessThanOrEqual(2);
    one.stop();
  });

  it("closes a connection once, in its first place, however often it is added", async () => {
    const one = closer(1_000);
    addAll(one, "a", 100);
    for (let i = 0; i < 50; i += 1) one.add("a", closing("a50"));
    await closedAll(100);
    expect(closed.filter((name) => name === "a50")).toHaveLength(1);
    expect(closed.indexOf("a50")).toBe(50);
  });

  it("leaves out one that may stay, and all of an app that may", async () => {
    const one = closer(1_000);
    addAll(one, "a", 100);
    one.remove("a", "a99");
    addAll(one, "b", 100);
    await waitFor(() => {
      expect(closed).toContain("b0");
    });
    one.cancel("b");
    await closedAll(99 + closed.filter((name) => name.startsWith("b")).length);
    expect(closed).not.toContain("a99");
    const ofB = closed.filter((name) => name.startsWith("b")).length;
    expect(ofB).toBeLessThan(100);
    expect(told).toEqual([`b ${ofB}`, "a 99"]);
  });

  it("forgets an app whose last one may stay, and says nothing of what it did not close", () => {
    const one = closer(100);
    one.add("a", closing("a0"));
    one.remove("a", "a0");
    one.remove("a", "a0");
    one.remove("b", "b0");
    one.cancel("b");
    expect(told).toEqual([]);
    expect(one.waiting).toBe(0);
  });

  it("closes no more after a stop, and says how many it had", async () => {
    const one = closer(500);
    addAll(one, "a", 100);
    expect(one.waiting).toBe(100);
    await waitFor(() => {
      expect(closed.length).toBeGreaterThan(0);
    });
    one.stop();
    expect(one.waiting).toBe(0);
    const count = closed.length;
    expect(told).toEqual([`a ${count}`]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(closed).toHaveLength(count);
  });
});

describe("how many the closer closes in a turn", () => {
  /** By a clock of its own: what a turn takes is what soketi does for each closed connection. */
  async function turns(
    count: number,
    costMs: (n: number) => number,
    closesPerSecond = 1_000_000,
  ): Promise<number[]> {
    let now = 0;
    const sizes: number[] = [];
    let done = 0;
    /** Closed, and soketi is not done with them: with those of one turn it is, before the next begins. */
    let busy = 0;
    const finished = new Promise<void>((resolve) => {
      const one = new Closer({
        clock: () => now,
        closesPerSecond,
        onClosed: () => resolve(),
      });
      for (let i = 0; i < count; i += 1) {
        one.add("a", {
          connection: {
            id: String(i),
            close: () => {
              if (busy === 0) sizes.push(0);
              sizes[sizes.length - 1] = busy += 1;
              void Promise.resolve().then(() => {
                now += costMs(done);
                done += 1;
                busy -= 1;
              });
            },
          },
          code: 4001,
          message: "gone",
        });
      }
    });
    await finished;
    return sizes;
  }

  it("doubles while a turn takes less than 2 ms, up to 16", async () => {
    expect(await turns(63, () => 0.01)).toEqual([1, 2, 4, 8, 16, 16, 16]);
  });

  it("stays while a turn takes between 2 and 4 ms, both included", async () => {
    expect(await turns(7, () => 2)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(await turns(9, () => 1)).toEqual([1, 2, 2, 2, 2]);
    expect(await turns(4, () => 4)).toEqual([1, 1, 1, 1]);
  });

  it("falls to what fits into 4 ms, and to one at least, and rises again", async () => {
    // The fourth turn's eight take 1 ms each.
    const costs = (n: number) => (n < 7 ? 0.01 : n < 15 ? 1 : 0.01);
    expect(await turns(27, costs)).toEqual([1, 2, 4, 8, 4, 8]);
    expect(await turns(5, (n) => (n < 1 ? 0.01 : 9))).toEqual([1, 2, 1, 1]);
  });

  it("stays while it may not close as many as fit: that says nothing of how many fit", async () => {
    // Two a millisecond. The third turn, of four, has three to close, which take 4 ms.
    const slow = (n: number) => [1, 0.75, 0.75, 4][n] ?? 0;
    expect(await turns(10, slow, 2_000)).toEqual([1, 2, 3, 4]);
    // They take 1.5 ms; then there are three again, after which there would be enough for more than four.
    const fast = (n: number) => [1, 0.75, 0.75, 0.5, 0.5, 0.5, 3.5][n] ?? 0;
    expect(await turns(15, fast, 2_000)).toEqual([1, 2, 3, 3, 4, 2]);
  });

  it("an app is full with a thousand that wait", () => {
    const one = closer(1);
    addAll(one, "a", 999);
    expect([one.isFull("a"), one.isFull("b")]).toEqual([false, false]);
    addAll(one, "more-of-a", 1);
    one.add("a", closing("the thousandth"));
    expect([one.isFull("a"), one.isFull("b")]).toEqual([true, false]);
    one.stop();
  });
});
