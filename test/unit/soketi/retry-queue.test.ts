import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RetryQueue, type Work } from "../../../src/soketi/retry-queue.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function retryQueue(limits: { maxAgeMs?: number; maxItems?: number; maxBytes?: number } = {}): RetryQueue {
  return new RetryQueue({ clock: Date.now, maxAgeMs: 60_000, maxItems: 10, maxBytes: 100, ...limits });
}

/** Work that fails so many times. */
function work(name: string, failures: number, log: string[], key = "a"): Work {
  let left = failures;
  return {
    key,
    bytes: () => 10,
    attempt: () => {
      log.push(`${name} tried`);
      return Promise.resolve((left -= 1) < 0);
    },
    giveUp: (why) => log.push(`${name} given up: ${why ?? "budget"}`),
  };
}

describe("HeldWork", () => {
  it("does at once what can be done, and holds nothing", async () => {
    const log: string[] = [];
    const all = retryQueue();
    await all.submit(work("one", 0, log));
    expect([log, all.size]).toEqual([["one tried"], 0]);
  });

  it("tries again until it is done", async () => {
    const log: string[] = [];
    const all = retryQueue();
    await all.submit(work("one", 3, log));
    expect(all.size).toBe(1);
    await vi.advanceTimersByTimeAsync(20_000);
    expect([log.length, all.size]).toEqual([4, 0]);
  });

  it("keeps the order of one key, and lets other keys pass", async () => {
    const log: string[] = [];
    const all = retryQueue();
    await all.submit(work("first", 1, log));
    await all.submit(work("second", 0, log));
    await all.submit(work("other", 0, log, "b"));
    expect(log).toEqual(["first tried", "other tried"]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(log.slice(2)).toEqual(["first tried", "second tried"]);
  });

  it("gives up what is too old", async () => {
    const log: string[] = [];
    const all = retryQueue({ maxAgeMs: 5_000 });
    await all.submit(work("one", Infinity, log));
    await vi.advanceTimersByTimeAsync(30_000);
    expect([log.at(-1), all.size]).toEqual(["one given up: budget", 0]);
  });

  it("gives up what there is no room for", async () => {
    const log: string[] = [];
    const few = retryQueue({ maxItems: 1 });
    await few.submit(work("one", 1, log));
    await few.submit(work("two", 1, log, "b"));
    const small = retryQueue({ maxBytes: 15 });
    await small.submit(work("three", 1, log));
    await small.submit(work("four", 1, log, "b"));
    expect(log.filter((line) => line.includes("given up"))).toEqual([
      "two given up: budget",
      "four given up: budget",
    ]);
  });

  it("has no room for more than that in what is tried for the first time either", async () => {
    const log: string[] = [];
    const few = retryQueue({ maxItems: 1 });
    let answer: (isOver: boolean) => void = () => undefined;
    const slow = {
      ...work("slow", 0, log),
      attempt: () => new Promise<boolean>((resolve) => (answer = resolve)),
    };
    const trying = few.submit(slow);
    await few.submit(work("next", 0, log, "b"));
    expect([log, few.size]).toEqual([["next given up: budget"], 1]);
    answer(true);
    await trying;
    await few.submit(work("last", 0, log));
    expect([log.at(-1), few.size]).toEqual(["last tried", 0]);
  });

  it("gives up what fails for the first time once the node has stopped", async () => {
    const log: string[] = [];
    const all = retryQueue();
    const trying = all.submit(work("one", 1, log));
    all.stop();
    await trying;
    expect([log, all.size]).toEqual([["one tried", "one given up: shutdown"], 0]);
  });

  it("gives up all that it holds when the node stops, once, whatever is being tried", async () => {
    const log: string[] = [];
    const all = retryQueue();
    let answer: (isOver: boolean) => void = () => undefined;
    let isFirst = true;
    const slow: Work = {
      ...work("slow", 1, log),
      attempt: () => {
        if (isFirst) return Promise.resolve((isFirst = false));
        return new Promise((resolve) => (answer = resolve));
      },
    };
    await all.submit(slow);
    await vi.advanceTimersByTimeAsync(1_000);
    all.stop();
    answer(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([log, all.size]).toEqual([["slow given up: shutdown"], 0]);
  });

  describe("of 50 keys", () => {
    /** All of them wait; each attempt from now on ends when the test says so. */
    async function waiting() {
      const log: string[] = [];
      const all = retryQueue({ maxItems: 100, maxBytes: 10_000 });
      const settle: ((isOver: boolean) => void)[] = [];
      for (let i = 0; i < 50; i += 1) {
        let isFirst = true;
        const attempt = () => {
          if (isFirst) return Promise.resolve((isFirst = false));
          return new Promise<boolean>((resolve) => settle.push(resolve));
        };
        await all.submit({ ...work("one", 0, log, `${i}`), attempt });
      }
      await vi.advanceTimersByTimeAsync(1_000);
      return { all, settle, log };
    }

    it("tries 20 at the same time, and the others in their turn", async () => {
      const { all, settle, log } = await waiting();
      expect(settle).toHaveLength(20);
      for (let i = 0; i < 50; i += 1) {
        settle[i]?.(true);
        await vi.advanceTimersByTimeAsync(0);
      }
      expect([settle.length, all.size, log]).toEqual([50, 0, []]);
    });

    it("tries no more of them once the node has stopped", async () => {
      const { all, settle, log } = await waiting();
      all.stop();
      for (const end of settle) end(true);
      await vi.advanceTimersByTimeAsync(60_000);
      expect([settle.length, log.length]).toEqual([20, 50]);
    });
  });

  it("says when nothing is tried for the first time any more, whatever waits", async () => {
    const log: string[] = [];
    const all = retryQueue();
    const settle: ((isOver: boolean) => void)[] = [];
    const slow: Work = { ...work("slow", 0, log), attempt: () => new Promise((done) => settle.push(done)) };
    void all.submit(slow);
    void all.submit({ ...slow, key: "b" });
    let isTried = false;
    const tried = all.tried().then(() => (isTried = true));
    settle[0]?.(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(isTried).toBe(false);
    settle[1]?.(true);
    await tried;
    expect(all.size).toBe(1);
  });
});
