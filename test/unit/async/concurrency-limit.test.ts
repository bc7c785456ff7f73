import { expect, it } from "vitest";
import { ConcurrencyLimit } from "../../../src/async/concurrency-limit.ts";

it("Turns: so many at a time, the rest in order, whatever becomes of those before", async () => {
  const turns = new ConcurrencyLimit(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (i: number) =>
    turns.run(
      () =>
        new Promise<number>((resolve, reject) => {
          begun.push(i);
          ends.push(() => (i === 0 ? reject(new Error("zero")) : resolve(i)));
        }),
    );
  const all = Promise.allSettled([0, 1, 2, 3].map(work));
  expect(begun).toEqual([0, 1]);
  for (let i = 0; i < 4; i += 1) {
    ends[i]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toHaveLength(Math.min(4, i + 3));
  }
  expect(begun).toEqual([0, 1, 2, 3]);
  expect((await all).map(({ status }) => status)).toEqual([
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
  expect(await turns.run(() => Promise.resolve("free"))).toBe("free");
});
