import { diff } from "../src/app/diff.ts";
import { normalize } from "../src/app/normalize.ts";
import type { LocalChange, LocalControls } from "../src/console/local-controls.ts";
import { encodeChanges } from "../src/protocol/encode.ts";
import type { BusNames } from "../src/protocol/names.ts";
import type { RedisConnection } from "../src/redis/library.ts";
import { createRedisLog } from "../src/redis/log.ts";
import { type AppsTable, marshalAttributes } from "./apps-table.ts";

/** The app that the buttons change: what `npm start` seeds. */
const APP = "acme";

/** As the pipeline has them by default. */
const LOG_LIMITS = { logLength: 10_000, logBytes: 32 * 1024 * 1024 };

interface MadeChange {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly path: string;
  readonly value?: unknown;
}

/** Writes to the table, then announces the change to the nodes, as `soketi-app-sync apps` does. */
export function createAppChanges(
  table: AppsTable,
  redis: RedisConnection,
  names: BusNames,
): LocalControls["change"] {
  const log = createRedisLog(redis, names, LOG_LIMITS);
  let changes = 0;

  async function announce(before: ReturnType<typeof normalize>): Promise<void> {
    const item = await table.get(APP);
    const difference = diff(before, item && normalize(item));
    if (!difference) return;
    const { appId, type, keys, changed, app } = difference;
    const header = { table: table.name, at: Date.now(), by: "the console" };
    await log.append(encodeChanges([{ appId, type, keys, key: app?.key, changed }], header));
  }

  return async (what) => {
    changes += 1;
    const { attributes, ...made } = changeOf(what, changes);
    const before = normalize((await table.get(APP)) ?? {});
    const at = Date.now();
    await table.update(APP, marshalAttributes({ ...attributes }));
    // The stream tells of it all the same, and the page, that Redis is away.
    await announce(before).catch(() => undefined);
    return { appId: APP, at, ...made };
  };
}

function changeOf(what: LocalChange, number: number): MadeChange {
  const limit = 100 + number;
  switch (what) {
    case "limit":
      return { attributes: { MaxConnections: limit }, path: "limits.maxConnections", value: limit };
    case "secret":
      return { attributes: { AppSecret: `secret-${number}-of-the-console` }, path: "secret" };
    case "disable":
      return { attributes: { Enabled: false }, path: "enabled", value: false };
    case "enable":
      return { attributes: { Enabled: true }, path: "enabled", value: true };
  }
}
