/** `change.ts ENDPOINT APP JSON`: sets attributes of an app in the local stack's table. */
import { marshalAttributes, openAppsTable } from "./apps-table.ts";

const [endpoint, appId, json] = process.argv.slice(2);
if (endpoint === undefined || appId === undefined || json === undefined) {
  console.error(`expected an endpoint, an app id and attributes such as '{"MaxConnections":5}'`);
  process.exit(1);
}
const table = await openAppsTable(endpoint, "apps");
await table.update(appId, marshalAttributes(JSON.parse(json) as Record<string, unknown>));
console.log(`app ${appId} changed at ${new Date().toISOString()}`);
