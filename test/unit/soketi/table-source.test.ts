import { stat } from "node:fs/promises";
import { beforeEach, describe, expect, it } from "vitest";
import type { SoketiAppClass, SoketiAppManager, SoketiServer } from "../../../src/soketi/server.ts";
import { tableSource } from "../../../src/soketi/table-source.ts";

describe("tableSource", () => {
  const throttled: string[] = [];
  const server = { options: { appManager: { dynamodb: { table: "apps" } } } } as unknown as SoketiServer;
  const aborted: string[] = [];
  const retryListeners: ((response: object) => void)[] = [];
  const failure = (retryable: boolean) => Object.assign(new Error("no"), { retryable });

  beforeEach(() => {
    aborted.length = 0;
    throttled.length = 0;
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
    const onThrottled = () => throttled.push("throttled");
    return tableSource({ server, manager, appClass, onProblems: () => undefined, budgetMs, onThrottled });
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

  it("says what stood in the way of the last try, when its budget is spent", async () => {
    const source = sourceOf(() => new Promise(() => undefined), 60);
    const loading = source.loadById("a");
    const error = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { retryable: true });
    retryListeners[0]?.({ error });
    await expect(loading).rejects.toThrow(
      "within 60 ms, found none. The last try: connect ECONNREFUSED 127.0.0.1:9",
    );
    expect(throttled).toEqual([]);
  });

  it.each([
    ["of the SDK's own retries", { retryable: true, code: "ProvisionedThroughputExceededException" }],
    ["that it gave up", { retryable: false, code: "ThrottlingException" }],
  ])("tells of throttling, %s", async (_what, kind) => {
    const error = Object.assign(new Error("slow down"), kind);
    const source = sourceOf(() => (kind.retryable ? Promise.resolve({}) : Promise.reject(error)), 1_000);
    const loading = source.loadById("a");
    if (kind.retryable) retryListeners[0]?.({ error });
    await loading.catch(() => undefined);
    expect(throttled).toEqual(["throttled"]);
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
