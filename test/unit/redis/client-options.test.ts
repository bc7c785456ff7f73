import { describe, expect, it } from "vitest";
import type { RedisSettings } from "../../../src/config/redis.ts";
import { openRedis } from "../../../src/redis/connection.ts";
import type { RedisLibrary } from "../../../src/redis/library.ts";
import { openSubscriber } from "../../../src/redis/subscriber.ts";

const timeouts = { connectMs: 1_000, commandMs: 1_000, retriesPerCommand: 0 };
const COMMON = {
  username: "u",
  password: "p",
  tls: true,
  tlsOptions: { ca: "PEM", servername: "redis.internal" },
  family: 6,
  keepAliveMs: 7,
};
/** What each connection has of these, in ioredis' terms. */
const OF_CONNECTION = { username: "u", password: "p", tls: COMMON.tlsOptions, family: 6, keepAlive: 7 };

/** What ioredis is given, for commands and for the subscriber. */
function optionsFor(settings: RedisSettings, attempt = 0): { commands: object; subscriber: object } {
  const made: object[] = [];
  class Client {
    constructor(...given: object[]) {
      made.push({ nodes: given.length > 1 ? given[0] : undefined, ...given.at(-1) });
    }
    on(): this {
      return this;
    }
    nodes(): unknown[] {
      return [];
    }
  }
  const options = {
    library: { Redis: Client, Cluster: Client } as unknown as RedisLibrary,
    settings,
    timeouts,
    onError: () => undefined,
  };
  openSubscriber(options, openRedis(options), attempt);
  const [commands = {}, subscriber = {}] = made;
  return { commands, subscriber };
}

describe("what a connection is given of its settings", () => {
  it("one server, and a unix socket", () => {
    const server = { ...COMMON, kind: "standalone", host: "h", port: 1, db: 2 } as const;
    const { commands, subscriber } = optionsFor(server);
    for (const one of [commands, subscriber])
      expect(one).toMatchObject({ ...OF_CONNECTION, host: "h", port: 1, db: 2 });
    const socket = optionsFor({ ...server, path: "/run/redis.sock" });
    for (const one of [socket.commands, socket.subscriber]) {
      expect(one).toMatchObject({ path: "/run/redis.sock", db: 2 });
      expect(one).not.toHaveProperty("host");
    }
  });

  it("TLS without options, and none", () => {
    const server = { kind: "standalone", host: "h", port: 1, db: 0 } as const;
    expect(optionsFor({ ...server, tls: true }).commands).toMatchObject({ tls: {} });
    const none = optionsFor({ ...server, tls: false, tlsOptions: { ca: "PEM" } });
    expect(none.commands).toMatchObject({ tls: undefined });
  });

  it("a cluster, and its subscriber", () => {
    const natMap = { "10.0.0.1:6379": { host: "c", port: 1 } };
    const nodes = [{ host: "c", port: 1 }];
    const { commands, subscriber } = optionsFor({ ...COMMON, kind: "cluster", nodes, natMap });
    expect(commands).toMatchObject({ nodes, natMap, redisOptions: OF_CONNECTION });
    expect(subscriber).toMatchObject({ ...OF_CONNECTION, host: "c", port: 1 });
  });

  it("sentinels, of whom each attempt to subscribe asks another first", () => {
    const sentinels = [1, 2, 3].map((port) => ({ host: "s", port }));
    const settings = { kind: "sentinel", name: "apps", sentinels, db: 0, tls: false } as const;
    const asked = [0, 1, 2, 3].map((attempt) => optionsFor(settings, attempt).subscriber);
    const ports = asked.map((one) =>
      (one as { sentinels: { port: number }[] }).sentinels.map(({ port }) => port),
    );
    expect(ports).toEqual([
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
      [1, 2, 3],
    ]);
  });

  it("sentinels", () => {
    const { commands, subscriber } = optionsFor({
      ...COMMON,
      kind: "sentinel",
      sentinels: [{ host: "s", port: 1 }],
      name: "main",
      db: 3,
      sentinelUsername: "su",
      sentinelPassword: "sp",
      sentinelTls: { ca: "of the sentinels" },
    });
    for (const one of [commands, subscriber]) {
      expect(one).toMatchObject({
        ...OF_CONNECTION,
        sentinels: [{ host: "s", port: 1 }],
        name: "main",
        db: 3,
        sentinelUsername: "su",
        sentinelPassword: "sp",
        sentinelTLS: { ca: "of the sentinels" },
        enableTLSForSentinelMode: true,
      });
    }
  });
});
