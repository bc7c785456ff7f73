import type { AppSource } from "../agent/ports.ts";
import { isThrottling } from "../agent/throttling.ts";
import { keyQuery } from "../app/key-query.ts";
import { normalize } from "../app/normalize.ts";
import { appAttributes } from "./app-objects.ts";
import type { ProblemListener } from "./normalize-reads.ts";
import { retryWithinBudget } from "./retry-within-budget.ts";
import type { SoketiAppClass, SoketiAppManager, SoketiAppObject, SoketiServer } from "./server.ts";

export interface TableSourceOptions {
  readonly server: SoketiServer;
  readonly manager: SoketiAppManager;
  readonly appClass: SoketiAppClass;
  readonly onProblems: ProblemListener;
  /** Longest read. Milliseconds. */
  readonly budgetMs: number;
  /** DynamoDB says that it is asked too often; the read goes on. */
  readonly onThrottled: () => void;
}

/**
 * Where the agent loads apps from: soketi's own DynamoDB client, but with consistent reads, and with errors told
 * apart from absence.
 */
export function tableSource(options: TableSourceOptions): AppSource<SoketiAppObject> {
  const { server, manager, appClass, onProblems, budgetMs } = options;
  const onError = (error: Error) => {
    if (isThrottling(error)) options.onThrottled();
  };
  const client = manager.driver.dynamodb;
  const table = server.options.appManager.dynamodb.table;
  return {
    async loadById(id) {
      const input = { TableName: table, Key: { AppId: { S: id } }, ConsistentRead: true };
      const { Item } = await retryWithinBudget(() => client.getItem(input), budgetMs, onError);
      if (!Item) return undefined;
      const { app, problems } = normalize(Item);
      if (problems.length > 0) onProblems(id, problems);
      return app && new appClass(appAttributes(app), server);
    },
    async resolveKey(key) {
      const query = { ...keyQuery(table, key), Limit: 1 };
      const { Items } = await retryWithinBudget(() => client.query(query), budgetMs, onError);
      return Items?.[0]?.AppId?.S;
    },
  };
}
