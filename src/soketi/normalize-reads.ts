import { normalize, type Problem } from "../app/normalize.ts";
import { appAttributes } from "./app-objects.ts";
import type { SoketiAppManager } from "./server.ts";

/** Called for each item that has problems. They contain no secrets. */
export type ProblemListener = (appId: string, problems: readonly Problem[]) => void;

/**
 * Makes soketi's own reads of the table go through the normalizer. An unusable item throws, which soketi's driver
 * turns into "no such app": without this, an item without a key or a secret would get soketi's public defaults.
 */
export function normalizeReads(manager: SoketiAppManager, onProblems: ProblemListener): void {
  manager.driver.unmarshallItem = (item) => {
    const { app, id, problems } = normalize(item);
    if (problems.length > 0) onProblems(id ?? "(unreadable)", problems);
    if (!app)
      throw new Error(`expected a usable app, found problems: ${problems.map((p) => p.code).join(", ")}`);
    return appAttributes(app);
  };
}
