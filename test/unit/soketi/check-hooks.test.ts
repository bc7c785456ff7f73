import { describe, expect, it } from "vitest";
import { checkHooks, MissingHooksError } from "../../../src/soketi/check-hooks.ts";
import type { SoketiAppManager, SoketiServer } from "../../../src/soketi/server.ts";

describe("checkHooks", () => {
  it("names everything that is missing at once", () => {
    const manager = { findById: () => null, driver: { dynamodb: {} } } as unknown as SoketiAppManager;
    expect(() => {
      checkHooks({ stop: () => null } as unknown as SoketiServer, manager, undefined);
    }).toThrow(MissingHooksError);
    expect(() => {
      checkHooks({ stop: () => null } as unknown as SoketiServer, manager, undefined);
    }).toThrow(
      /appManager.findByKey, appManager.getAppSecret, appManager.driver.unmarshallItem, .*getItem, .*query, server.setAdapter, server.setQueueManager, server.setMetricsManager, server.setCacheManager, App; this version does not/,
    );
  });
});
