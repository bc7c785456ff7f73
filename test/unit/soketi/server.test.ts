import { stat } from "node:fs/promises";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findSoketiRoot, runningScript } from "../../../src/soketi/package.ts";
import { fromSoketi } from "../../../src/soketi/redis-settings.ts";
import {
  checkHooks,
  MissingHooksError,
  type SoketiAppClass,
  type SoketiAppManager,
  type SoketiServer,
  tableSource,
} from "../../../src/soketi/server.ts";

describe("findSoketiRoot", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "soketi-root-"));
    mkdirSync(join(folder, "soketi", "bin"), { recursive: true });
    writeFileSync(join(folder, "soketi", "package.json"), '{"name":"@soketi/soketi"}');
    writeFileSync(join(folder, "soketi", "bin", "server.js"), "");
    writeFileSync(join(folder, "other.js"), "");
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("finds the package above the script, through a link", () => {
    symlinkSync(join(folder, "soketi", "bin", "server.js"), join(folder, "soketi-link"));
    expect(findSoketiRoot(join(folder, "soketi-link"))).toMatch(/\/soketi$/);
  });

  it("finds it when the script is named without its extension, as Node does", () => {
    expect(findSoketiRoot(join(folder, "soketi", "bin", "server"))).toMatch(/\/soketi$/);
  });

  it.each([undefined, "", "/nowhere/at/all.js"])("finds none for %j", (script) => {
    expect(findSoketiRoot(script)).toBeUndefined();
  });

  it("finds none for a package inside soketi's folder, such as its own dependencies", () => {
    const inside = join(folder, "soketi", "node_modules", "pm2", "bin");
    mkdirSync(inside, { recursive: true });
    writeFileSync(join(folder, "soketi", "node_modules", "pm2", "package.json"), '{"name":"pm2"}');
    writeFileSync(join(inside, "package.json"), '{"type":"commonjs"}');
    writeFileSync(join(inside, "pm2.js"), "");
    expect(findSoketiRoot(join(inside, "pm2.js"))).toBeUndefined();
  });

  it("finds none for another program, nor where a package.json is broken", () => {
    expect(findSoketiRoot(join(folder, "other.js"))).toBeUndefined();
    writeFileSync(join(folder, "package.json"), "{");
    expect(findSoketiRoot(join(folder, "other.js"))).toBeUndefined();
  });
});

describe("runningScript", () => {
  it("is the script, or under pm2 what pm2 says", () => {
    const env = { pm_exec_path: "/app/bin/pm2.js" };
    expect(runningScript(["node", "/app/bin/server.js"], env)).toBe("/app/bin/server.js");
    expect(runningScript(["node", "/x/pm2/lib/ProcessContainerFork.js"], env)).toBe("/app/bin/pm2.js");
    expect(runningScript(["node", "/x/pm2/lib/ProcessContainer.js"], env)).toBe("/app/bin/pm2.js");
    expect(runningScript(["node"], env)).toBeUndefined();
    const cluster = { pm2_env: '{"pm_exec_path":"/app/bin/pm2.js"}' };
    expect(runningScript(["node", "/x/pm2/lib/ProcessContainer.js"], cluster)).toBe("/app/bin/pm2.js");
    expect(runningScript(["node", "/x/ProcessContainer.js"], { pm2_env: "{" })).toBeUndefined();
    expect(runningScript(["node", "/x/ProcessContainer.js"], {})).toBeUndefined();
  });
});

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

describe("checkHooks", () => {
  it("names everything that is missing at once", () => {
    const manager = { findById: () => null, driver: { dynamodb: {} } } as unknown as SoketiAppManager;
    expect(() => {
      checkHooks({ stop: () => null } as unknown as SoketiServer, manager, undefined);
    }).toThrow(MissingHooksError);
    expect(() => {
      checkHooks({ stop: () => null } as unknown as SoketiServer, manager, undefined);
    }).toThrow(
      /appManager.findByKey, appManager.getAppSecret, appManager.driver.unmarshallItem, .*getItem, .*query, server.setAdapter, server.setQueueManager, server.setMetricsManager, App; this version does not/,
    );
  });
});

describe("tableSource", () => {
  const server = { options: { appManager: { dynamodb: { table: "apps" } } } } as unknown as SoketiServer;
  const aborted: string[] = [];
  const retryListeners: ((response: object) => void)[] = [];
  const failure = (retryable: boolean) => Object.assign(new Error("no"), { retryable });

  beforeEach(() => {
    aborted.length = 0;
    retryListeners.length = 0;
  });

  function sourceOf(promise: () => Promise<{ Item?: object }>, budgetMs: number) {
    const request = {
      promise,
      abort: () => aborted.push("aborted"),
      on: (_event: string, listener: (response: object) => void) => retryListeners.push(listener),
    };
    const manager = { driver: { dynamodb: { getItem: () => request } } } as unknown as SoketiAppManager;
    const appClass = Object as unknown as SoketiAppClass;
    return tableSource(server, manager, appClass, () => undefined, budgetMs);
  }

  it("gives a read up when its budget is spent, and aborts it", async () => {
    const source = sourceOf(() => new Promise(() => undefined), 30);
    await expect(source.loadById("a")).rejects.toThrow("an answer of DynamoDB within 30 ms, found none");
    expect(aborted).toEqual(["aborted"]);
  });

  it("does not charge it for a pause of the process: the answer that came meanwhile is read", async () => {
    const source = sourceOf(async () => {
      // As a request does, it takes several turns of the event loop, and timers that are due come in between.
      for (let turn = 0; turn < 5; turn += 1) await stat(import.meta.filename);
      return {};
    }, 100);
    const loading = source.loadById("a");
    const until = performance.now() + 300;
    while (performance.now() < until);
    await expect(loading).resolves.toBeUndefined();
  });

  it("tries again after an error that may go away, and not after another", async () => {
    let tries = 0;
    const fails = (retryable: boolean, times: number) => () => {
      tries += 1;
      return tries <= times ? Promise.reject(failure(retryable)) : Promise.resolve({});
    };
    await expect(sourceOf(fails(true, 2), 5_000).loadById("a")).resolves.toBeUndefined();
    expect(tries).toBe(3);
    tries = 0;
    await expect(sourceOf(fails(false, 2), 5_000).loadById("a")).rejects.toThrow("no");
    expect(tries).toBe(1);
  });

  it("does so no longer than its budget", async () => {
    const source = sourceOf(() => Promise.reject(failure(true)), 400);
    await expect(source.loadById("a")).rejects.toThrow("an answer of DynamoDB within 400 ms");
    const tries = retryListeners.length;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(retryListeners.length).toBe(tries);
  });

  it("shortens the pauses of the SDK", async () => {
    await sourceOf(() => Promise.resolve({}), 400).loadById("a");
    const error = { retryDelay: 20_000 };
    for (const listener of retryListeners) {
      listener({ error });
      listener({ error: null });
    }
    expect(error.retryDelay).toBe(250);
  });
});
