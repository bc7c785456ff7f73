import type { App } from "../../app/app.ts";
import type { Problem } from "../../app/problems.ts";
import type { ToolsConfig } from "../../config/pipeline.ts";
import { SOCKUDO_FORMAT } from "../../pipeline/cache-format.ts";

/** Problems that an app has only with the servers that the pipeline also writes for: what they have no word for. */
export function problemsFor({ sharedCache }: ToolsConfig): (app: App) => readonly Problem[] {
  return (app) => (sharedCache?.sockudo ? (SOCKUDO_FORMAT.problemsOf?.(app) ?? []) : []);
}
