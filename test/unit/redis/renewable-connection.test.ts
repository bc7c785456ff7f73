import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { RenewableConnection } from "../../../src/redis/renewable-connection.ts";
import type { RedisConnection } from "../../../src/redis/library.ts";

/** As ioredis is between two attempts to connect: ended by `disconnect`, of which there is no event then. */
class Fake extends EventEmitter {
  status = "reconnecting";
  isEnded = false;

  disconnect(): void {
    this.isEnded = true;
  }

  ping(): Promise<string> {
    return Promise.resolve("PONG");
  }
}

/** Longer than the test may take. */
const LIMIT_MS = 3_600_000;

function open() {
  const opened: Fake[] = [];
  const renewable = new RenewableConnection({
    open: () => {
      const one = new Fake();
      opened.push(one);
      return one as unknown as RedisConnection;
    },
    limitMs: LIMIT_MS,
    retries: 2,
  });
  return { opened, connection: renewable.during(), renewable };
}

describe("RenewableConnection", () => {
  it("fails what waits for it at once when it is closed between two attempts to connect", async () => {
    const { opened, connection } = open();
    const waiting = connection.ping();
    connection.disconnect();
    await expect(waiting).rejects.toThrow("the connection was closed");
    expect(opened.map(({ isEnded }) => isEnded)).toEqual([true]);
  });

  it("closes nothing, and opens nothing for that, when there is none", () => {
    const { opened, connection } = open();
    connection.disconnect();
    connection.disconnect(true);
    expect(opened).toEqual([]);
  });

  it("takes what waits to the next connection when it is given up for another command", async () => {
    const { opened, connection, renewable } = open();
    const waiting = connection.ping();
    const first = opened[0];
    const soon = renewable.during(() => 601).ping();
    await expect(soon).rejects.toThrow("no answer");
    expect(first?.isEnded).toBe(true);
    const second = opened[1];
    if (second) second.status = "ready";
    second?.emit("ready");
    expect(await waiting).toBe("PONG");
  });

  it("sends nothing to a cluster's nodes either once the time is up: a frozen process goes on in the middle of its work", async () => {
    const sent: string[] = [];
    const node = {
      options: { host: "h", port: 1 },
      exists: (key: string) => Promise.resolve(sent.push(key)),
      disconnect: () => sent.push("ended"),
    };
    const cluster = Object.assign(new Fake(), { nodes: (role: string) => (role === "master" ? [node] : []) });
    const renewable = new RenewableConnection({
      open: () => cluster as unknown as RedisConnection,
      limitMs: LIMIT_MS,
      retries: 2,
    });
    let remainingMs = 601;
    const connection = renewable.during(() => remainingMs);
    const [master] = "nodes" in connection ? connection.nodes("master") : [];
    expect(master?.options).toBe(node.options);
    expect(await master?.exists("in time")).toBe(1);
    remainingMs = 600;
    await expect(master?.exists("too late")).rejects.toMatchObject({ code: "TIMEOUT" });
    master?.disconnect();
    expect(sent).toEqual(["in time", "ended"]);
  });
});
