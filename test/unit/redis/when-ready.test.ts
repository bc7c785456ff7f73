import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { ioredis } from "../../../src/redis/ioredis.ts";
import { clusterOptions } from "../../../src/redis/client-options.ts";
import type { RedisConnection } from "../../../src/redis/library.ts";
import { whenReady } from "../../../src/redis/when-ready.ts";

it("says why when no name of a cluster is known: ioredis has no event of it", async () => {
  const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND a"), { code: "ENOTFOUND" });
  const timeouts = { connectMs: 1_000, commandMs: 1_000, retriesPerCommand: 0 };
  const options = clusterOptions({ kind: "cluster", nodes: [], tls: false }, timeouts);
  const cluster = new ioredis.Cluster([{ host: "a", port: 1 }], {
    ...options,
    // ioredis' own type of it is for names that are known.
    dnsLookup: (_, done) => (done as unknown as (error: Error) => void)(unknown),
  });
  await expect(whenReady(cluster, 0)).rejects.toMatchObject({ code: "ENOTFOUND" });
  cluster.disconnect();
});

it("says what it met last, and that it was closed when it met nothing", async () => {
  const open = () => Object.assign(new EventEmitter(), { status: "connecting" });
  const one = open();
  const failing = whenReady(one as unknown as RedisConnection, 0);
  one.emit("error", new Error("first"));
  one.emit("error", new Error("last"));
  one.emit("close");
  await expect(failing).rejects.toThrow("last");
  const other = open();
  const closing = whenReady(other as unknown as RedisConnection, 0);
  other.emit("close");
  await expect(closing).rejects.toThrow("the connection was closed");
});
