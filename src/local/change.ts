/** `change.ts ENDPOINT APP JSON`: sets attributes of an app in the local stack's table. */
import { type Item, openAppsTable } from "../adapters/dynamodb.ts";

const [endpoint, appId, json] = process.argv.slice(2);
if (endpoint === undefined || appId === undefined || json === undefined) {
  console.error(`expected an endpoint, an app id and attributes such as '{"MaxConnections":{"N":"5"}}'`);
  process.exit(1);
}
const table = await openAppsTable(endpoint, "apps");
await table.update(appId, JSON.parse(json) as Item);
console.log(`app ${appId} changed at ${new Date().toISOString()}`);
