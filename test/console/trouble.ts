import { join } from "node:path";
import { acceptsSecret } from "../../local/probe.ts";
import { agentFile } from "../../local/stack.ts";
import type { CanaryResult } from "../../src/protocol/canary.ts";
import { busNames } from "../../src/protocol/names.ts";
import { eventually, item, root } from "../support/fleet.ts";
import { type WatchedFleet, watchFleet } from "./watched-fleet.ts";

/** Where the pictures go, as `<name>-light.png` and `<name>-dark.png`. */
export interface Trouble {
  readonly dynamodbEndpoint: string;
  readonly redisUrl: string;
  readonly folder: string;
}

/** Tall enough for the apps at the end of the page. */
const VIEWPORT = { width: 1_280, height: 1_250 };

const UP_TO_DATE = "All 2 nodes are up to date.";

/** Pictures of all that documents do not show: Redis and table that are away or mute, clocks, rotations, the canary, no node. */
export async function pictureTrouble({ dynamodbEndpoint, redisUrl, folder }: Trouble): Promise<void> {
  const watched = await watchFleet(dynamodbEndpoint, redisUrl);
  const { page, fleet } = watched;
  const save = async (name: string) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
    }
  };
  try {
    await page.setViewportSize(VIEWPORT);
    await watched.shows("warn", "No node is registered.");
    await save("no-node");
    await fleet.node();
    const second = await fleet.node();
    await fleet.table.put(item("acme"));
    await fleet.table.put(item("globex", { Webhooks: { S: "[{}]" } }));
    await watched.shows("good", UP_TO_DATE);
    await page.locator("tbody tr", { hasText: "globex" }).first().waitFor();
    await save("without-canary");

    await pictureAway(watched, save);
    await pictureSecrets(watched, second.port, save);
    await pictureCanary(watched, save);
    await pictureClock(watched, save);
    await watched.stopConsole();
    await watched.shows("bad", "Lost the connection to the console");
    await save("console-lost");
  } finally {
    await watched.close();
  }
}

type Save = (name: string) => Promise<void>;

/** Redis and the table: down, and mute. */
async function pictureAway(watched: WatchedFleet, save: Save): Promise<void> {
  const { page, redisLink, tableLink } = watched;
  redisLink.refuse(true);
  redisLink.disconnect();
  await watched.shows("bad", "Nothing is known at the moment: Could not ");
  await page.locator(".card.stale").nth(1).waitFor();
  await save("redis-down");
  redisLink.refuse(false);
  await watched.shows("good", UP_TO_DATE);

  redisLink.freeze();
  await watched.shows("bad", "did not answer");
  await save("redis-mute");
  redisLink.thaw();
  redisLink.disconnect();
  await watched.shows("good", UP_TO_DATE);

  tableLink.freeze();
  await watched.shows("bad", "cannot be read: DynamoDB did not answer within 5 s.");
  await save("table-mute");
  tableLink.thaw();
  tableLink.disconnect();
  await watched.shows("good", UP_TO_DATE);
}

/** Previous secrets: one in its overlap, one whose overlap is over, and an app of a long name. */
async function pictureSecrets({ page, fleet }: WatchedFleet, port: number, save: Save): Promise<void> {
  const inAnHour = Math.ceil(Date.now() / 1_000) + 3_600;
  const apps = [
    ["acme", inAnHour],
    ["globex", 1_700_000_000],
    ["an-app-of-a-customer-whose-name-goes-on-for-longer-than-a-column-is-wide-on-most-screens", inAnHour],
  ] as const;
  for (const [id, until] of apps) {
    await fleet.table.put(
      item(id, { AppSecretPrevious: { S: "former" }, AppSecretPreviousUntil: { N: String(until) } }),
    );
    const app = { port, appId: id, key: `${id}-key` };
    await eventually("the app", () => acceptsSecret(app, `${id}-secret`));
    for (let i = 0; i < 3; i += 1) await acceptsSecret(app, "former");
  }
  await page.locator("section:has(#previous-secrets) tbody tr").nth(2).waitFor();
  await save("previous-secrets");
  await page.setViewportSize({ width: 375, height: 1_400 });
  await save("previous-secrets-narrow");
  await page.setViewportSize(VIEWPORT);
}

async function pictureCanary(watched: WatchedFleet, save: Save): Promise<void> {
  const { page, redis, fleet } = watched;
  const at = Number((await redis.time())[0]) * 1_000;
  const well: CanaryResult = {
    at,
    intervalMs: 60_000,
    writeMs: 5,
    streamMs: 280,
    nodesMs: 7,
    totalMs: 292,
    expected: 2,
    confirmed: 2,
    missing: [],
  };
  const key = busNames(fleet.prefix).canary;
  const keep = (more: Partial<CanaryResult>) => redis.set(key, JSON.stringify({ ...well, ...more }));
  await keep({});
  await page.locator(".facts", { hasText: "292 ms to all 2 nodes" }).waitFor();
  await save("canary-well");
  await keep({ totalMs: 2_500 });
  await watched.shows("warn", "took 2500 ms");
  await save("canary-late");
  await keep({
    confirmed: 1,
    totalMs: null,
    nodesMs: null,
    missing: ["ip-10-0-3-17.eu-central-1.compute.internal 7"],
  });
  await watched.shows("bad", "was not confirmed by");
  await save("canary-incomplete");
  await keep({ at: at - 300_000 });
  await watched.shows("bad", "nothing measures whether changes arrive");
  await save("canary-not-run");
  await redis.del(key);
}

async function pictureClock(watched: WatchedFleet, save: Save): Promise<void> {
  const { page, fleet } = watched;
  const clock = join(root, "test/support/clock-ahead.cjs");
  const env = { NODE_OPTIONS: `--require "${clock}" --require "${agentFile}"` };
  const ahead = await fleet.node({ env });
  await watched.shows("good", "All 3 nodes are up to date.");
  ahead.child.signal("SIGUSR2");
  await page.locator(".notes li").waitFor();
  await save("clock-ahead");
  await ahead.stop();
}
