import type { AppSource } from "../agent/ports.ts";
import { keyQuery } from "../app/key-query.ts";
import { normalize } from "../app/normalize.ts";
import { toSoketi } from "../app/soketi-shape.ts";
import type { ProblemListener } from "./normalize-reads.ts";
import { retryWithinBudget } from "./retry-within-budget.ts";
import type { SoketiAppClass, SoketiAppManager, SoketiAppObject, SoketiServer } from "./server.ts";

/**
 * Where the agent loads apps from: soketi's own DynamoDB client, but with consistent reads, and with errors told
 * apart from absence.
 */
export function tableSource(
  server: SoketiServer,
  manager: SoketiAppManager,
  appClass: SoketiAppClass,
  onProblems: ProblemListener,
  budgetMs: number,
): AppSource<SoketiAppObject> {
  const client = manager.driver.dynamodb;
  const table = server.options.appManager.dynamodb.table;
  return {
    async loadById(id) {
      const input = { TableName: table, Key: { AppId: { S: id } }, ConsistentRead: true };
      const { Item } = await retryWithinBudget(() => client.getItem(input), budgetMs);
      if (!Item) return undefined;
      const { app, problems } = normalize(Item);
      if (problems.length > 0) onProblems(id, problems);
      return app && new appClass(toSoketi(app), server);
    },
    async resolveKey(key) {
      const query = { ...keyQuery(table, key), Limit: 1 };
      const { Items } = await retryWithinBudget(() => client.query(query), budgetMs);
      return Items?.[0]?.AppId?.S;
    },
  };
}
