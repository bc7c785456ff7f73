import { describe, expect, it } from "vitest";
import { EarlyMessages } from "../../../../src/soketi/guards/early-messages.ts";
import type { GuardedSocket } from "../../../../src/soketi/guards/soketi-parts.ts";

const LIMITS = { maxMessages: 3, maxBytes: 100, maxBytesOfNode: 150 };
const socket = () => ({ appKey: "k" }) as GuardedSocket;
const bytes = (size: number) => new ArrayBuffer(size);

describe("EarlyMessages", () => {
  it("gives what it held once, in order, as copies", () => {
    const early = new EarlyMessages(LIMITS);
    const client = socket();
    const first = new Uint8Array([1, 2]);
    early.hold(client, first.buffer);
    early.hold(client, new Uint8Array([3]).buffer);
    // uWebSockets.js uses its memory again.
    first.fill(9);
    const taken = () => [...new Uint8Array(early.takeFirst(client) ?? [])];
    expect([taken(), early.count(client), early.bytes]).toEqual([[1, 2], 1, 1]);
    expect([taken(), early.count(client), early.bytes]).toEqual([[3], 0, 0]);
    expect(early.takeFirst(client)).toBeUndefined();
  });

  it("is bounded for a connection, in number and in bytes", () => {
    const early = new EarlyMessages(LIMITS);
    const many = socket();
    expect([1, 1, 1, 1].map((size) => early.hold(many, bytes(size)))).toEqual([true, true, true, false]);
    const large = socket();
    expect([early.hold(large, bytes(101)), early.hold(large, bytes(100))]).toEqual([false, true]);
  });

  it("is bounded for the node, and has room again when somebody leaves", () => {
    const early = new EarlyMessages(LIMITS);
    const [first, second] = [socket(), socket()];
    expect(early.hold(first, bytes(100))).toBe(true);
    expect(early.hold(second, bytes(51))).toBe(false);
    early.drop(first);
    expect(early.hold(second, bytes(51))).toBe(true);
  });
});
