import { createAppItems } from "../src/aws/app-items.ts";
import { localDynamoDb, marshalAttributes } from "./apps-table.ts";
import { ioredis } from "../src/redis/ioredis.ts";
import { openRedis } from "../src/redis/connection.ts";
import { createFleet } from "../src/redis/fleet.ts";
import { EnvReader } from "../src/config/env.ts";
import { readRedis } from "../src/config/redis.ts";
import { AppsView } from "../src/console/apps.ts";
import type { LocalControls } from "../src/console/local-controls.ts";
import { Observer } from "../src/console/observer.ts";
import { type Console, startConsole } from "../src/console/server.ts";
import { busNames, defaultPrefix } from "../src/protocol/names.ts";
import type { Stack } from "./stack.ts";

/** The app that the buttons change: what `npm start` seeds. */
const APP = "acme";

/** The console of the local stack, with hands on it. @param port 0 takes a free one. */
export async function startLocalConsole(stack: Stack, port: number): Promise<Console> {
  const { redisUrl, dynamodbEndpoint, table } = stack;
  const env = new EnvReader({ REDIS_URL: redisUrl });
  const settings = readRedis(env);
  env.finish();
  if (!settings) throw new Error("expected the stack to have a Redis, found none");
  const redis = openRedis({
    library: ioredis,
    settings,
    timeouts: { connectMs: 1_000, commandMs: 2_000, retriesPerCommand: 1 },
    // The page says it: each look that fails tells why.
    onError: () => undefined,
  });
  const names = busNames(defaultPrefix(table.name));
  const served = await startConsole({
    host: "127.0.0.1",
    port,
    table: table.name,
    log: names.log,
    observer: new Observer(createFleet(redis, names)),
    apps: new AppsView(createAppItems(localDynamoDb(dynamodbEndpoint), table.name)),
    controls: controlsOf(stack),
    assets: new URL("../dist/console/", import.meta.url),
  });
  return {
    url: served.url,
    async close() {
      await served.close();
      redis.disconnect();
    },
  };
}

function controlsOf({ nodes, redisLinks, table }: Stack): LocalControls {
  const frozen = new Set<number>();
  const linkOf = (pid: number) => {
    const link = redisLinks[nodes.findIndex((node) => node.child.pid === pid)];
    if (!link) throw new Error(`expected the pid of a node of this stack, found ${pid}`);
    return link;
  };
  let changes = 0;
  return {
    async change(what) {
      changes += 1;
      const { attributes, ...made } = {
        limit: {
          attributes: { MaxConnections: 100 + changes },
          path: "limits.maxConnections",
          value: 100 + changes,
        },
        secret: { attributes: { AppSecret: `secret-${changes}-of-the-console` }, path: "secret" },
        disable: { attributes: { Enabled: false }, path: "enabled", value: false },
        enable: { attributes: { Enabled: true }, path: "enabled", value: true },
      }[what];
      const at = Date.now();
      await table.update(APP, marshalAttributes(attributes));
      return { appId: APP, at, ...made };
    },
    disconnect(pid) {
      linkOf(pid).disconnect();
    },
    freeze(pid) {
      linkOf(pid).freeze();
      frozen.add(pid);
    },
    thaw(pid) {
      const link = linkOf(pid);
      link.thaw();
      // Those that were frozen stay dead: the node makes others.
      link.disconnect();
      frozen.delete(pid);
    },
    nodes: () =>
      nodes.map(({ child: { pid } }, i) => ({ pid, name: `node ${i + 1}`, frozen: frozen.has(pid) })),
  };
}
