import { expect, it } from "vitest";
import type { RedisConnection } from "../../../src/redis/library.ts";
import { createAnswering } from "../../../src/redis/answers.ts";
import { busNames } from "../../../src/protocol/names.ts";
import type { Answer } from "../../../src/protocol/node.ts";

it("has four answers under way and no more, however many questions come, and goes on when they are through", async () => {
  const under: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  const connection = {
    evalsha: () =>
      new Promise((resolve, reject) => {
        under.push({ resolve, reject });
      }),
  } as unknown as RedisConnection;
  const errors: unknown[] = [];
  let asked = 0;
  const onQuestion = createAnswering(
    connection,
    busNames("p"),
    () => {
      asked += 1;
      return {} as Answer;
    },
    (error) => errors.push(error),
  );
  const ask = () => {
    onQuestion(JSON.stringify({ v: 1, id: "0f8fad5b-d9cb-469f-a165-70867728950e" }));
  };

  for (let i = 0; i < 100; i += 1) ask();
  expect([asked, under.length]).toEqual([4, 4]);

  // A failure makes room as an answer does.
  under[0]?.resolve(1);
  under[1]?.reject(new Error("READONLY"));
  await expect.poll(() => errors.length).toBe(1);
  for (let i = 0; i < 100; i += 1) ask();
  expect([asked, under.length]).toEqual([6, 6]);
});
