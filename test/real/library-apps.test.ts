import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { describe, expect, inject, it, vi } from "vitest";
import { localDynamoDb } from "../../local/apps-table.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import { type App, type Apps, type AppsOptions, openApps, TableError } from "../../src/library/index.ts";
import { eventually, item } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { sharedFleet } from "../support/shared-fleet.ts";

const keep = keeping();
const fleet = sharedFleet();

function open(more: AppsOptions = {}) {
  const apps = openApps({
    redis: inject("redisUrl"),
    prefix: fleet.prefix,
    table: fleet.table.name,
    environment: {},
    dynamodb: localDynamoDb(inject("dynamodbEndpoint")),
    ...more,
  });
  keep({ stop: () => apps.close() });
  return apps;
}

/** A client whose answers wait: each is what the table said when it was asked. */
function holding(which: (input: object) => boolean) {
  const client = localDynamoDb(inject("dynamodbEndpoint"));
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let held = 0;
  client.middlewareStack.add((next) => async (args) => {
    const answer = await next(args);
    if (which(args.input)) {
      held += 1;
      await released;
    }
    return answer;
  });
  return { client, release, held: () => held };
}

/** A client of a DynamoDB that takes connections and says nothing. */
async function silent(): Promise<DynamoDBClient> {
  const { hostname, port } = new URL(inject("dynamodbEndpoint"));
  const way = await startProxy({ host: hostname, port: Number(port) });
  keep({ stop: () => way.close() });
  way.freeze();
  return localDynamoDb(`http://127.0.0.1:${way.port}`);
}

describe("openApps", () => {
  it("serves apps from its cache until they change, by id and by key", async () => {
    await fleet.table.put(item("lib", { MaxConnections: { N: "5" } }));
    const changes: string[] = [];
    const apps = open({ onChange: ({ appId }) => changes.push(appId) });
    await apps.ready;
    expect((await apps.byId("lib"))?.limits.maxConnections).toBe(5);
    expect(await apps.byKey("lib-key")).toBe(await apps.byId("lib"));
    expect(await apps.byId("nobody")).toBeNull();
    expect(await apps.byKey("nobody-key")).toBeNull();
    await fleet.table.update("lib", { MaxConnections: { N: "6" }, AppKey: { S: "lib-key-2" } });
    await eventually("the change", () => Promise.resolve(changes.includes("lib")));
    await eventually("the new limit", async () => (await apps.byId("lib"))?.limits.maxConnections === 6);
    expect(await apps.byKey("lib-key")).toBeNull();
    expect((await apps.byKey("lib-key-2"))?.id).toBe("lib");
  });

  it.each<["id" | "key", (apps: Apps) => Promise<App | null>]>([
    ["id", (apps) => apps.byId("raced-by-id")],
    ["key", (apps) => apps.byKey("raced-by-key-key")],
  ])("hands no answer out that a change has overtaken, by %s", async (by, look) => {
    const id = `raced-by-${by}`;
    const slow = holding((input) => JSON.stringify(input).includes(`"Key":{"AppId":{"S":"${id}"}}`));
    const types: string[] = [];
    const flushes: string[] = [];
    const apps = open({
      dynamodb: slow.client,
      onChange: ({ appId, type }) => {
        if (appId === id) types.push(type);
      },
      onFlush: (reason) => flushes.push(reason),
    });
    await apps.ready;
    await fleet.table.put(item(id, { MaxConnections: { N: "1" } }));
    await eventually("the creation", () => Promise.resolve(types.includes("created")));
    const before = flushes.length;
    const found = look(apps);
    await eventually("the old app in hand", () => Promise.resolve(slow.held() > 0));
    await fleet.table.update(id, { MaxConnections: { N: "2" } });
    await eventually("the change", () => Promise.resolve(types.includes("updated")));
    slow.release();
    expect((await found)?.limits.maxConnections).toBe(2);
    expect((await look(apps))?.limits.maxConnections).toBe(2);
    // It was the change that did it.
    expect(flushes.length).toBe(before);
  });

  it("rejects when the table cannot be read, where soketi could only say that there is no app", async () => {
    const errors: unknown[] = [];
    const apps = open({
      dynamodb: localDynamoDb("http://127.0.0.1:1"),
      onError: (error) => errors.push(error),
    });
    await apps.ready;
    await expect(apps.byId("lib")).rejects.toThrow(`Could not read app lib from table ${fleet.table.name}: `);
    await expect(apps.byKey("lib-key")).rejects.toBeInstanceOf(TableError);
    expect(errors.length).toBeGreaterThan(1);
  });

  it("ends the client of DynamoDB that it made, and no other", async () => {
    const destroyed = vi.spyOn(DynamoDBClient.prototype, "destroy");
    await open().close();
    expect(destroyed).not.toHaveBeenCalled();
    await openApps({ redis: inject("redisUrl"), environment: {} }).close();
    expect(destroyed).toHaveBeenCalledTimes(1);
    destroyed.mockRestore();
  });

  it("finds no app under a name that no app can have, and asks nobody: strangers choose keys", async () => {
    let asked = 0;
    const client = localDynamoDb(inject("dynamodbEndpoint"));
    client.middlewareStack.add((next) => (args) => {
      asked += 1;
      return next(args);
    });
    const errors: unknown[] = [];
    const apps = open({ dynamodb: client, onError: (error) => errors.push(error) });
    await apps.ready;
    for (const name of ["", "k".repeat(2_049), "é".repeat(1_025)])
      expect([await apps.byId(name), await apps.byKey(name)]).toEqual([null, null]);
    expect([asked, errors]).toEqual([0, []]);
    expect(await apps.byKey("k".repeat(2_048))).toBeNull();
    expect(asked).toBe(1);
  });

  it("rejects for who asked for what cannot be read, and for nobody else", async () => {
    const slow = holding((input) => JSON.stringify(input).includes("nobody"));
    slow.client.middlewareStack.add((next) => (args) => {
      if (JSON.stringify(args.input).includes("broken")) return Promise.reject(new Error("throttled"));
      return next(args);
    });
    const apps = open({ dynamodb: slow.client, onError: () => undefined });
    await apps.ready;
    const nobody = apps.byId("nobody");
    await expect(apps.byId("broken")).rejects.toThrow("throttled");
    slow.release();
    expect(await nobody).toBeNull();
  });

  it("waits for a DynamoDB that says nothing no longer than its budget", async () => {
    const apps = open({ dynamodb: await silent(), limits: { loadBudgetMs: 300 }, onError: () => undefined });
    await apps.ready;
    await expect(apps.byId("lib")).rejects.toThrow("expected an answer of DynamoDB within 300 ms");
    await expect(apps.byKey("lib-key")).rejects.toThrow("expected an answer of DynamoDB within 300 ms");
  });

  it("tells of an item's problems, and goes on when the listener throws", async () => {
    await fleet.table.put(item("odd", { Enabled: { S: "perhaps" } }));
    const errors: unknown[] = [];
    const told: string[] = [];
    const apps = open({
      onProblems(appId, problems) {
        told.push(`${appId} ${problems.map(({ code }) => code).join()}`);
        throw new Error("mine");
      },
      onError: (error) => errors.push(error),
    });
    await apps.ready;
    expect((await apps.byId("odd"))?.id).toBe("odd");
    expect(told).toContain("odd flag-unreadable");
    expect(errors).toContainEqual(new Error("mine"));
  });
});
