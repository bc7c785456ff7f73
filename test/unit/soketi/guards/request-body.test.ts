import { describe, expect, it } from "vitest";
import { BodyBudget } from "../../../../src/soketi/guards/body-budget.ts";
import { RequestBody } from "../../../../src/soketi/guards/request-body.ts";

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text)).buffer;
const textOf = (body: RequestBody) => Buffer.from(body.take()).toString();

describe("RequestBody", () => {
  it("of one piece takes what that takes, and is a copy: uWebSockets.js takes the piece back", () => {
    const body = new RequestBody(10);
    const piece = bytesOf("event");
    body.add(piece);
    new Uint8Array(piece).fill(0);
    expect([body.bytes, body.capacity, textOf(body), body.capacity]).toEqual([5, 5, "event", 0]);
  });

  it("of any pieces is all of them, in order", () => {
    for (const pieces of [[], [""], ["", "a", ""], ["ab", "c", "defgh", "i"]]) {
      const body = new RequestBody(100);
      for (const piece of pieces) body.add(bytesOf(piece));
      expect([body.bytes, textOf(body)]).toEqual([pieces.join("").length, pieces.join("")]);
    }
  });

  it("of 300,000 pieces of one byte takes at most twice as much, and is counted as what it takes", () => {
    const LIMIT = 2_000_000;
    const budget = new BodyBudget<RequestBody>(() => LIMIT);
    const bodies = Array.from({ length: 5 }, () => new RequestBody(1_000_000));
    const piece = new ArrayBuffer(1);
    const before = process.memoryUsage();
    for (const body of bodies) {
      for (let i = 0; i < 300_000; i += 1) {
        body.add(piece);
        budget.hold(body, { bytes: body.capacity, isComplete: false, drop: () => body.drop() });
      }
    }
    const after = process.memoryUsage();
    // A buffer for each piece came to 570 bytes a piece.
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(100_000_000);
    const capacities = bodies.map((body) => body.capacity);
    expect(capacities).toEqual([0, 0, 524_288, 524_288, 524_288]);
    expect(budget.bytes).toBe(3 * 524_288);
    expect(bodies.map((body) => body.isDropped)).toEqual([true, true, false, false, false]);
  });

  it("never takes more than its limit, and nothing when it is over that or dropped", () => {
    const [over, dropped] = [new RequestBody(100), new RequestBody(100)];
    for (const body of [over, dropped]) {
      body.add(new ArrayBuffer(60));
      body.add(new ArrayBuffer(1));
      expect(body.capacity).toBe(100);
    }
    over.add(new ArrayBuffer(40));
    dropped.drop();
    dropped.add(new ArrayBuffer(30));
    expect([over.isTooLarge, over.capacity, over.bytes]).toEqual([true, 0, 101]);
    expect([dropped.isDropped, dropped.isTooLarge, dropped.capacity]).toEqual([true, false, 0]);
  });
});
