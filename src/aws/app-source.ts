import { type DynamoDBClient, GetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { AppSource } from "../agent/ports.ts";
import type { App } from "../app/app.ts";
import { keyQuery } from "../app/key-query.ts";
import { normalize, type Problem } from "../app/normalize.ts";
import { withinBudget } from "../async/within-budget.ts";

export interface DynamoDbSourceOptions {
  readonly client: DynamoDBClient;
  readonly table: string;
  /** Longest read, in milliseconds. The SDK has no limit of its own: it waits for a silent socket for ever. */
  readonly budgetMs: number;
  /** Called for each item that has problems. Must not throw. */
  readonly onProblems: (appId: string, problems: readonly Problem[]) => void;
}

/** Apps of a table, normalized, for programs that are not soketi. Rejects with the SDK's errors, or that none came. */
export function createDynamoDbSource(options: DynamoDbSourceOptions): AppSource<App> {
  const { client, table, budgetMs, onProblems } = options;

  /** The signal ends a request, but neither a pause of the SDK between two tries nor the search for credentials. */
  function limited<T>(send: (request: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    return withinBudget(
      () => send({ abortSignal: abort.signal }),
      budgetMs,
      () => abort.abort(),
    );
  }

  return {
    async loadById(id) {
      const get = new GetItemCommand({ TableName: table, Key: { AppId: { S: id } }, ConsistentRead: true });
      const { Item } = await limited((request) => client.send(get, request));
      if (!Item) return undefined;
      const { app, problems } = normalize(Item);
      if (problems.length > 0) onProblems(id, problems);
      return app;
    },
    async resolveKey(key) {
      const query = new QueryCommand({ ...keyQuery(table, key), Limit: 1 });
      const { Items } = await limited((request) => client.send(query, request));
      return Items?.[0]?.AppId?.S;
    },
  };
}
