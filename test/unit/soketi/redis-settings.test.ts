import { describe, expect, it } from "vitest";
import { fromSoketi } from "../../../src/soketi/redis-settings.ts";

describe("fromSoketi", () => {
  it("reads soketi's defaults", () => {
    const redis = {
      host: "127.0.0.1",
      port: 6379,
      db: 0,
      username: null,
      password: null,
      keyPrefix: "x:",
      sentinels: null,
      name: "mymaster",
      clusterNodes: [],
    };
    expect(fromSoketi(redis)).toEqual({
      kind: "standalone",
      host: "127.0.0.1",
      port: 6379,
      db: 0,
      tls: false,
    });
  });

  it("reads a numeric password as text: soketi parses its variables as JSON", () => {
    expect(fromSoketi({ host: "r", port: 1, password: 12345, username: "u", tls: {} })).toMatchObject({
      password: "12345",
      username: "u",
      tls: true,
    });
  });

  it("reads sentinels and cluster nodes", () => {
    expect(
      fromSoketi({ sentinels: [{ host: "s", port: 1 }], sentinelPassword: "p", name: "m", db: 2 }),
    ).toMatchObject({
      kind: "sentinel",
      sentinels: [{ host: "s", port: 1 }],
      sentinelPassword: "p",
      name: "m",
      db: 2,
    });
    expect(fromSoketi({ clusterNodes: [{ host: "c" }] })).toMatchObject({
      kind: "cluster",
      nodes: [{ host: "c", port: 6379 }],
    });
  });
});
