/**
 * `npm run bench:soketi`: POST /events on real soketi nodes, each with its apps in DynamoDB Local: without an app cache,
 * with soketi's memory cache, and with the agent. In alternation, one at a time.
 */
import autocannon from "autocannon";
import Pusher from "pusher";
import { openAppsTable } from "../local/apps-table.ts";
import { startRedis } from "../local/redis-server.ts";
import { type SoketiNode, startSoketi } from "../local/soketi-node.ts";
import { agentFile } from "../local/stack.ts";
import { startProvidedDynamoDb } from "../test/support/provided-dynamodb.ts";
import { publish, ratio, SPREAD, spread } from "./report.ts";

const ROUNDS = 7;
const SECONDS = 3;
const CONNECTIONS = 20;

const APP = { appId: "acme", key: "acme-key", secret: "acme-secret" };
const BODY = JSON.stringify({
  name: "headline",
  channels: ["news"],
  data: JSON.stringify({ text: "hello" }),
});

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

/** Requests per second. soketi takes one signature again and again. @throws Error when a request is refused. */
async function throughput({ port, url }: SoketiNode): Promise<number> {
  const api = new Pusher({ ...APP, host: "127.0.0.1", port: String(port), useTLS: false });
  const query = api.createSignedQueryString({
    method: "POST",
    path: "/apps/acme/events",
    body: BODY,
    params: {},
  });
  const request = { url: `${url}/apps/acme/events?${query}`, method: "POST" as const, body: BODY };
  const check = await fetch(request.url, request);
  const answer = await check.text();
  if (answer !== '{"ok":true}') throw new Error(`expected {"ok":true} from soketi, found ${answer}`);
  const result = await autocannon({ ...request, connections: CONNECTIONS, duration: SECONDS });
  if (result.non2xx + result.errors > 0)
    throw new Error(`expected no failures, found ${result.non2xx + result.errors}`);
  return result.requests.average;
}

const dynamodb = await startProvidedDynamoDb();
const redis = await startRedis();
const table = await openAppsTable(dynamodb.endpoint, "apps");
await table.put({ AppId: { S: APP.appId }, AppKey: { S: APP.key }, AppSecret: { S: APP.secret } });
const start = (options: { agent?: string; env?: Record<string, string> }) =>
  startSoketi({ dynamodbEndpoint: dynamodb.endpoint, table: table.name, redisUrl: redis.url, ...options });
const memoryCache = { SOKETI_APP_MANAGER_CACHE_ENABLED: "true", SOKETI_APP_MANAGER_CACHE_TTL: "-1" };
const nodes = {
  "soketi, no app cache": await start({}),
  "soketi, memory app cache": await start({ env: memoryCache }),
  "soketi with the agent": await start({ agent: agentFile }),
};

const results: Record<string, number[]> = {};
for (let round = -1; round < ROUNDS; round += 1) {
  for (const [name, node] of Object.entries(nodes)) {
    const figure = await throughput(node);
    if (round >= 0) (results[name] ??= []).push(figure);
  }
}
for (const part of [...Object.values(nodes), dynamodb, redis]) await part.stop();

const [none = [], memory = [], agent = []] = Object.values(results);
publish({
  name: "soketi",
  about: `Requests a second: POST /events over ${CONNECTIONS} connections, ${SECONDS} s a round; apps in DynamoDB Local.`,
  tables: [
    {
      columns: ["", ...SPREAD],
      rows: Object.entries(results).map(([name, figures]) => [name, ...spread(figures)]),
    },
  ],
  conclusions: [
    `With the agent ${ratio(agent, none).toFixed(1)} times as many as without a cache, and ` +
      `${ratio(agent, memory).toFixed(2)} times as many as with soketi's memory cache.`,
  ],
  data: results,
});
process.exit(0);
