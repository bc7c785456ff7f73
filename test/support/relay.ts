import { randomUUID } from "node:crypto";
import { type AppsTable, openAppsTable } from "../../local/apps-table.ts";
import { healthOf, type RelayProcess, type RelayProcessOptions, startRelay } from "../../local/relay.ts";
import { type BusNames, busNames } from "../../src/protocol/names.ts";

/** A table of its own with its log, and what relays of it are started with. */
export interface RelayPlace {
  readonly table: AppsTable;
  readonly names: BusNames;
  /** What the names begin with. */
  readonly prefix: string;
  readonly options: RelayProcessOptions;
  start(more?: Partial<RelayProcessOptions>): Promise<RelayProcess>;
}

export async function relayPlace(
  dynamodbEndpoint: string,
  redisUrl: string | undefined,
): Promise<RelayPlace> {
  const name = `relay-${randomUUID().slice(0, 8)}`;
  const options = { redisUrl, dynamodbEndpoint, table: name, env: { APP_SYNC_PREFIX: `{${name}}` } };
  return {
    table: await openAppsTable(dynamodbEndpoint, name),
    names: busNames(`{${name}}`),
    prefix: `{${name}}`,
    options,
    start: (more = {}) => startRelay({ ...options, ...more, env: { ...options.env, ...more.env } }),
  };
}

/** Whether a relay says of itself that it is this. */
export async function isNow(relay: RelayProcess, status: string): Promise<boolean> {
  return (await healthOf(relay)).status === status;
}
