import type { Browser, Page } from "playwright-core";
import { Redis } from "ioredis";
import { startProxy, type TcpProxy } from "../../local/tcp-proxy.ts";
import { openChromium } from "../support/chromium.ts";
import { cli } from "../support/cli.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";

/** A fleet, and the console of the command line in a real browser, whose ways to Redis and to the table can be made to misbehave. */
export interface WatchedFleet {
  readonly fleet: Fleet;
  readonly page: Page;
  /** Variables of the command line. */
  readonly env: Readonly<Record<string, string>>;
  readonly redis: Redis;
  readonly redisLink: TcpProxy;
  readonly tableLink: TcpProxy;
  /** The sentence on top. */
  verdict(): Promise<string>;
  /** Waits until the sentence on top is of a level, and says something. */
  shows(level: "good" | "warn" | "bad", text: string): Promise<void>;
  /** Ends the console: the page stays. */
  stopConsole(): Promise<void>;
  close(): Promise<void>;
}

export async function watchFleet(dynamodbEndpoint: string, redisUrl: string): Promise<WatchedFleet> {
  const fleet = await startFleet({ dynamodbEndpoint, redisUrl });
  const redisLink = await startProxy(placeOf(redisUrl));
  const tableLink = await startProxy(placeOf(dynamodbEndpoint));
  const browser: Browser = await openChromium();
  const page = await browser.newPage({ viewport: { width: 1_280, height: 900 } });
  const env = {
    REDIS_URL: `redis://127.0.0.1:${redisLink.port}`,
    APP_MANAGER_DYNAMODB_ENDPOINT: `http://127.0.0.1:${tableLink.port}`,
    APP_MANAGER_DYNAMODB_TABLE: fleet.table.name,
    APP_SYNC_PREFIX: fleet.prefix,
  };
  const served = serve(env);
  await page.goto(await served.url);
  const redis = new Redis(redisUrl);
  return {
    fleet,
    page,
    env,
    redis,
    redisLink,
    tableLink,
    verdict: () => page.locator(".verdict").innerText(),
    shows: (level, text) => page.locator(`.verdict.${level}`, { hasText: text }).waitFor({ timeout: 60_000 }),
    stopConsole: () => served.stop(),
    async close() {
      await served.stop();
      await browser.close();
      redis.disconnect();
      await fleet.stop();
      await redisLink.close();
      await tableLink.close();
    },
  };
}

function placeOf(address: string): { host: string; port: number } {
  const { hostname, port } = new URL(address);
  return { host: hostname, port: Number(port) };
}

function serve(env: Record<string, string>): { readonly url: Promise<string>; stop(): Promise<void> } {
  let stop: () => void = () => undefined;
  let ended: Promise<unknown> = Promise.resolve();
  const url = new Promise<string>((resolve, reject) => {
    ended = cli(["console", "--port", "0"], {
      env,
      onOutput: (text, kill) => {
        const found = /Console: (http:\S+)/.exec(text)?.[1];
        if (found === undefined) return;
        stop = () => kill("SIGINT");
        resolve(found);
      },
    }).then(({ stderr }) => reject(new Error(`expected the console to go on, found: ${stderr}`)));
  });
  return {
    url,
    async stop() {
      stop();
      await ended;
    },
  };
}
