import { describe, expect, it } from "vitest";
import { silence } from "../../../src/redis/errors.ts";
import { leaveReplicas } from "../../../src/redis/leave-replicas.ts";
import type { RedisConnection } from "../../../src/redis/library.ts";

const answering = (info: () => Promise<string>) => ({ info }) as unknown as RedisConnection;

describe("a look at the role", () => {
  it("that is not answered in time is not followed by a read that waits once more", async () => {
    const guard = leaveReplicas(answering(() => Promise.reject(silence(4_000))));
    await expect(guard.look()).rejects.toMatchObject({ code: "TIMEOUT", doing: "report its role" });
    expect(guard.readsReplica).toBe(false);
  });

  it("that is refused says nothing", async () => {
    const guard = leaveReplicas(answering(() => Promise.reject(new Error("NOPERM no right to INFO"))));
    await expect(guard.look()).resolves.toBeUndefined();
  });
});
