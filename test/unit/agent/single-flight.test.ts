import { expect, it } from "vitest";
import { SingleFlight } from "../../../src/agent/single-flight.ts";

/** A read that is answered when the test says so. */
function createReads() {
  const answers: ((value: string) => void)[] = [];
  const read = () => new Promise<string>((resolve) => answers.push(resolve));
  const answer = async (i: number, value: string) => {
    answers[i]?.(value);
    await new Promise<void>((resolve) => setImmediate(resolve));
  };
  return { read, answer };
}

it("hands what a voided read found to whoever is behind, and never to who asked", async () => {
  const flights = new SingleFlight<string>(() => 0, 5_000);
  const { read, answer } = createReads();
  const outdated: string[] = [];
  const kept: string[] = [];
  const keep = (value: string) => {
    kept.push(value);
    return value;
  };
  const asked = flights.share("a", read, keep, (value) => outdated.push(value));
  flights.void("a");
  await answer(0, "v1");
  flights.void("a");
  await answer(1, "v2");
  expect([outdated, kept]).toEqual([["v1", "v2"], []]);
  await answer(2, "v3");
  expect(await asked).toBe("v3");
  expect([outdated, kept]).toEqual([["v1", "v2"], ["v3"]]);
});

it("does not go back: an answer that comes after that of a later read is nobody's", async () => {
  const flights = new SingleFlight<string>(() => 0, 5_000);
  const { read, answer } = createReads();
  const outdated: string[] = [];
  const share = () =>
    flights.share(
      "a",
      read,
      (value) => value,
      (value) => outdated.push(value),
    );
  const first = share();
  flights.void("a");
  const second = share();
  flights.void("a");
  await answer(1, "v2");
  await answer(0, "v1");
  expect(outdated).toEqual(["v2"]);
  await answer(2, "v3");
  expect(await Promise.all([first, second])).toEqual(["v3", "v3"]);
  // Nor after one that was left alone.
  const third = share();
  flights.void("a");
  const fourth = share();
  await answer(4, "v5");
  expect(await fourth).toBe("v5");
  await answer(3, "v4");
  await answer(5, "v6");
  expect([await third, outdated]).toEqual(["v6", ["v2"]]);
});
