import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { within } from "../../../src/async/within.ts";
import { withinBudget } from "../../../src/async/within-budget.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const never = () => new Promise<never>(() => undefined);

/** What becomes of a promise, noted as soon as it is known. */
function watch<T>(promise: Promise<T>): { outcome?: { value: T } | { error: unknown } } {
  const seen: ReturnType<typeof watch<T>> = {};
  promise.then(
    (value) => (seen.outcome = { value }),
    (error: unknown) => (seen.outcome = { error }),
  );
  return seen;
}

describe("within", () => {
  it("is what the work is, and leaves no timer behind", async () => {
    await expect(within(1_000, "it", Promise.resolve(7))).resolves.toBe(7);
    const failure = new Error("broken");
    await expect(within(1_000, "it", Promise.reject(failure))).rejects.toBe(failure);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits for the whole limit, and then says what was expected", async () => {
    const seen = watch(within(2_500, "an answer", never()));
    await vi.advanceTimersByTimeAsync(2_499);
    expect(seen.outcome).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(seen.outcome).toEqual({
      error: new Error("expected an answer within 2.5 s, found it did not happen"),
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rejects with an error of the caller's own, made only when it is late", async () => {
    const late = vi.fn(() => new RangeError("late"));
    await within(10, late, Promise.resolve());
    expect(late).not.toHaveBeenCalled();
    const seen = watch(within(10, late, never()));
    await vi.advanceTimersByTimeAsync(10);
    expect(seen.outcome).toEqual({ error: new RangeError("late") });
    expect(late).toHaveBeenCalledOnce();
  });

  it.each([0, -5])("with a limit of %d still takes what is there already", async (limitMs) => {
    await expect(within(limitMs, "it", Promise.resolve("there"))).resolves.toBe("there");
    const seen = watch(within(limitMs, "it", never()));
    await vi.advanceTimersByTimeAsync(1);
    expect(seen.outcome).toHaveProperty("error");
  });

  it("leaves a failure that comes too late unsaid, and not unhandled", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const seen = watch(within(10, "it", work));
    await vi.advanceTimersByTimeAsync(10);
    fail(new Error("much later"));
    vi.useRealTimers();
    // Node tells of unhandled rejections before the next turn of its loop.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(seen.outcome).toHaveProperty("error.message", expect.stringContaining("did not happen"));
  });
});

describe("withinBudget", () => {
  it("gives up when the budget is spent, and says so; not before", async () => {
    const giveUp = vi.fn();
    const seen = watch(withinBudget(never, 1_000, giveUp));
    await vi.advanceTimersByTimeAsync(999);
    expect([seen.outcome, giveUp.mock.calls.length]).toEqual([undefined, 0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(seen.outcome).toEqual({
      error: new Error("expected an answer of DynamoDB within 1000 ms, found none"),
    });
    expect(giveUp).toHaveBeenCalledOnce();
  });

  it("never gives up on work that has ended, however it did", async () => {
    const giveUp = vi.fn();
    await expect(withinBudget(() => Promise.resolve(1), 100, giveUp)).resolves.toBe(1);
    await expect(withinBudget(() => Promise.reject(new Error("no")), 100, giveUp)).rejects.toThrow("no");
    const thrown = () => {
      throw new TypeError("at once");
    };
    await expect(withinBudget(thrown, 100, giveUp)).rejects.toThrow("at once");
    await vi.advanceTimersByTimeAsync(1_000);
    expect([giveUp.mock.calls.length, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it("charges one part of ten for a pause of the process, however long", async () => {
    let answer: (value: string) => void = () => undefined;
    const work = () =>
      new Promise<string>((resolve) => {
        answer = resolve;
      });
    const seen = watch(withinBudget(work, 1_000, () => undefined));
    // A paused process wakes with a timer due, and the answer in the socket: the one runs first, and then the other.
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersToNextTimer();
    answer("read after the pause");
    await vi.advanceTimersByTimeAsync(0);
    expect(seen.outcome).toEqual({ value: "read after the pause" });
  });
});
