import type { SoketiAppManager, SoketiDynamoDriver, SoketiServer } from "./server.ts";

/** Thrown when this soketi lacks something that the agent needs; soketi is left as it was. */
export class MissingHooksError extends Error {
  override readonly name = "MissingHooksError";

  constructor(missing: readonly string[]) {
    super(`expected soketi to have ${missing.join(", ")}; this version does not, so nothing was attached`);
  }
}

/** @throws MissingHooksError naming all that is missing. Call it before anything is replaced. */
export function checkHooks(server: SoketiServer, manager: SoketiAppManager, appClass: unknown): void {
  const needed: [string, unknown, ...string[]][] = [
    ["appManager", manager, "findById", "findByKey", "getAppSecret"],
    ["appManager.driver", manager.driver, "unmarshallItem"],
    [
      "appManager.driver.dynamodb",
      (manager.driver as Partial<SoketiDynamoDriver> | undefined)?.dynamodb,
      "getItem",
      "query",
    ],
    ["server", server, "setAdapter", "setQueueManager", "setMetricsManager", "setCacheManager", "stop"],
  ];
  const missing = needed.flatMap(([path, owner, ...methods]) =>
    methods
      .filter((method) => typeof (owner as Record<string, unknown> | undefined)?.[method] !== "function")
      .map((method) => `${path}.${method}`),
  );
  if (typeof appClass !== "function") missing.push("App");
  if (missing.length > 0) throw new MissingHooksError(missing);
}
