import { describe, expect, it } from "vitest";
import { checkHooks } from "../../../src/soketi/check-hooks.ts";
import { MissingHooksError } from "../../../src/soketi/errors.ts";
import type { SoketiAppManager, SoketiServer } from "../../../src/soketi/server.ts";

describe("checkHooks", () => {
  const manager = { findById: () => null, driver: { dynamodb: {} } } as unknown as SoketiAppManager;
  const server = { stop: () => null } as unknown as SoketiServer;
  const missing = (ready: "soketi" | "synced") => {
    try {
      checkHooks(server, manager, undefined, { ready });
    } catch (error) {
      expect(error).toBeInstanceOf(MissingHooksError);
      return (error as MissingHooksError).message;
    }
    throw new Error("expected a MissingHooksError, found none");
  };

  it("names everything that is missing at once", () => {
    expect(missing("soketi")).toMatch(
      /appManager.findByKey, appManager.getAppSecret, appManager.driver.unmarshallItem, .*getItem, .*query, server.setAdapter, server.setQueueManager, server.setMetricsManager, server.setCacheManager, server.setWebhookSender, App; this version lacks them/,
    );
  });

  it("asks for what /ready needs only where it is to wait", () => {
    expect(missing("soketi")).not.toContain("configureHttp");
    expect(missing("synced")).toContain("server.configureHttp");
  });
});
