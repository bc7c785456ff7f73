import type { AgentConfig } from "../config/agent.ts";
import { MissingHooksError } from "./errors.ts";
import type { SoketiAppManager, SoketiDynamoDriver, SoketiServer } from "./server.ts";

/**
 * Call it before anything is replaced.
 *
 * @param settings.ready what the configuration wants of `/ready`: soketi's own needs no hook.
 * @throws MissingHooksError naming all that is missing.
 */
export function checkHooks(
  server: SoketiServer,
  manager: SoketiAppManager,
  appClass: unknown,
  { ready }: Pick<AgentConfig, "ready">,
): void {
  const needed: [string, unknown, ...string[]][] = [
    ["appManager", manager, "findById", "findByKey", "getAppSecret"],
    ["appManager.driver", manager.driver, "unmarshallItem"],
    [
      "appManager.driver.dynamodb",
      (manager.driver as Partial<SoketiDynamoDriver> | undefined)?.dynamodb,
      "getItem",
      "query",
    ],
    [
      "server",
      server,
      "setAdapter",
      "setQueueManager",
      "setMetricsManager",
      "setCacheManager",
      "setWebhookSender",
      "stop",
    ],
    ["server", server, ...(ready === "synced" ? ["configureHttp"] : [])],
  ];
  const missing = needed.flatMap(([path, owner, ...methods]) =>
    methods
      .filter((method) => typeof (owner as Record<string, unknown> | undefined)?.[method] !== "function")
      .map((method) => `${path}.${method}`),
  );
  if (typeof appClass !== "function") missing.push("App");
  if (missing.length > 0) throw new MissingHooksError(missing);
}
