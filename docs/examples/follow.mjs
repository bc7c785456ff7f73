/**
 * Follows the invalidations of an apps table, and caches apps with the agent's guarantees.
 *
 * REDIS_URL=redis://localhost APP_MANAGER_DYNAMODB_TABLE=apps node follow.mjs acme
 */
import { openApps } from "soketi-app-sync";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

const [appId] = process.argv.slice(2);
const endpoint = process.env.APP_MANAGER_DYNAMODB_ENDPOINT;
const apps = openApps({
  dynamodb: new DynamoDBClient(endpoint ? { endpoint, region: "us-east-1" } : {}),
  onChange: async ({ appId, type }, whole) => {
    // What else there is to know is in the log.
    const change = await whole().catch(() => undefined);
    console.log("changed", appId, type, change?.changed.join(",") ?? "");
  },
  onFlush: (reason) => console.log("flushed", reason),
  onLease: (held) => console.log(held ? "fresh" : "not proven fresh"),
  onError: (error) => console.error(error instanceof Error ? error.message : error),
});
await apps.ready;

const show = async () => {
  const app = await apps.byId(appId);
  console.log("app", app ? `${app.id} maxConnections=${app.limits.maxConnections}` : "none");
};
await show();
// Asked again and again it is read once, until it changes.
const timer = setInterval(show, 100);

process.once("SIGTERM", async () => {
  clearInterval(timer);
  await apps.close();
  console.log("closed");
  process.exit(0);
});
