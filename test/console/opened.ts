import type { Browser, Page } from "playwright-core";
import type { Console } from "../../src/console/server.ts";
import { startLocalConsole } from "../../local/console.ts";
import { SEED } from "../../local/demonstration.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { openChromium } from "../support/chromium.ts";
import { eventually, item } from "../support/fleet.ts";

/** The local stack with its console, and a real browser. */
export interface Opened {
  readonly stack: Stack;
  readonly served: Console;
  /** A page that is loaded: `ready` is seen, by default that all is well. What the browser complained of, and asked of others, is in `complaints`. */
  page(
    options?: { scheme?: "light" | "dark"; width?: number; height?: number },
    ready?: string,
  ): Promise<Page>;
  readonly complaints: string[];
  close(): Promise<void>;
}

export async function openConsole(): Promise<Opened> {
  const browser: Browser = await openChromium();
  const stack = await startStack({ ports: [0, 0], print: () => undefined, onLine: () => undefined });
  const served = await startLocalConsole(stack, 0);
  const complaints: string[] = [];
  await stack.table.put(SEED);
  await stack.table.put(item("globex", { Enabled: { S: "perhaps" }, Webhooks: { S: "[{}]" } }));
  await stack.table.put(item("initech", { Enabled: { BOOL: false }, MaxConnections: { N: "250" } }));
  await eventually("the function to have read the stream", async () => {
    const metrics = await Promise.all(stack.nodes.map((node) => node.metrics()));
    return metrics.every(({ changes_total = 0 }) => changes_total >= 3);
  });
  return {
    stack,
    served,
    complaints,
    async page({ scheme = "light", width = 1_280, height = 1_250 } = {}, ready = ".verdict.good") {
      const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height } });
      // An entry in the registry is over after half a minute.
      page.setDefaultTimeout(60_000);
      page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("request", (request) => {
        const { origin } = new URL(request.url());
        if (origin !== new URL(served.url).origin && !request.url().startsWith("data:")) {
          complaints.push(`request to ${request.url()}`);
        }
      });
      await page.goto(served.url);
      await page.locator(ready).waitFor();
      return page;
    },
    async close() {
      await browser.close();
      await served.close();
      await stack.stop();
    },
  };
}
