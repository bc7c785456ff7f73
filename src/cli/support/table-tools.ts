import type { AppItems } from "../../aws/app-items.ts";
import type { DynamoDb } from "../../aws/clients.ts";
import type { ToolsConfig } from "../../config/pipeline.ts";
import type { AppsReader } from "../../pipeline/ports.ts";

/** The table, for commands. */
export interface TableTools {
  dynamodb(): Promise<DynamoDb>;
  items(): Promise<AppItems>;
  /** The table's apps, for what compares them with a cache. */
  apps(): Promise<AppsReader>;
}

/** Loads the SDK when the table is first asked for: half of what a command without it takes to begin. */
export function openTableTools(config: ToolsConfig): TableTools & { readonly close: () => void } {
  let clients: DynamoDb | undefined;
  const dynamodb = async () => {
    const { openDynamoDb, TOOLS } = await import("../../aws/clients.ts");
    return (clients ??= openDynamoDb(config, TOOLS));
  };
  return {
    dynamodb,
    items: async () => {
      const { createAppItems } = await import("../../aws/app-items.ts");
      return createAppItems((await dynamodb()).tables, config.table);
    },
    apps: async () => {
      const { createAppsReader } = await import("../../aws/apps-reader.ts");
      return createAppsReader((await dynamodb()).tables, config.table);
    },
    close: () => {
      clients?.tables.destroy();
      clients?.streams.destroy();
    },
  };
}
