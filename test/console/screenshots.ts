/**
 * `npm run screenshots`: the console in each of its states. What documents show goes into docs/img, from the local stack; the rest
 * into reports/console, to be looked at.
 */
import { mkdirSync } from "node:fs";
import { Redis } from "ioredis";
import type { Page } from "playwright-core";
import { acceptsSecret } from "../../local/probe.ts";
import { busNames, defaultPrefix } from "../../src/protocol/names.ts";
import { startAgents } from "../support/agents.ts";
import { eventually, item } from "../support/fleet.ts";
import { openConsole } from "./opened.ts";
import { pictureTrouble } from "./trouble.ts";

/** Each button, and what its change says: the next is pressed when every node has dropped the app. */
const PRESSED = [
  ["Change acme's limit", "limits.maxConnections = 101"],
  ["Rotate acme's secret", "updated secret"],
  ["Disable acme", "enabled = false"],
  ["Enable acme", "enabled = true"],
] as const;

const opened = await openConsole();
const save = (page: Page, name: string) => page.screenshot({ path: `docs/img/console-${name}.png` });
const REPORTS = "reports/console";
mkdirSync(REPORTS, { recursive: true });
try {
  const light = await opened.page();
  // Something for the caches to answer, while the charts fill.
  for (let i = 0; i < 400; i += 1) {
    for (const { port } of opened.stack.nodes) {
      await acceptsSecret({ port, appId: "acme", key: "acme-key" }, "secret-1");
    }
    if (i % 50 === 0) await opened.stack.table.update("initech", { MaxConnections: { N: String(i) } });
    await light.waitForTimeout(60);
  }
  for (const [label, text] of PRESSED) {
    await light.getByRole("button", { name: label }).click();
    const row = light.locator("tbody tr", { hasText: text }).first();
    await eventually(text, async () => /\+\d+ ms\s+\+\d+ ms$/.test(await row.innerText()));
  }
  await save(light, "light");
  await light.locator("section:has(#apps) tbody tr", { hasText: /acme-key\s*enabled\s*101/ }).waitFor();
  const box = await light.locator("section:has(#apps)").boundingBox();
  if (!box) throw new Error("expected the apps on the page, found none");
  const around = { x: box.x - 20, y: box.y - 20, width: box.width + 40, height: box.height + 40 };
  await light.screenshot({ path: "docs/img/console-apps.png", fullPage: true, clip: around });

  const dark = await opened.page({ scheme: "dark" });
  await dark.screenshot({ path: `${REPORTS}/dark.png` });
  await dark.getByRole("button", { name: "Freeze Redis" }).first().click();
  await dark.locator(".card.bad").waitFor();
  // It reaches the other node only.
  await dark.getByRole("button", { name: "Change acme's limit" }).click();
  const drops = dark.locator("tbody tr", { hasText: "limits.maxConnections = 105" }).locator("td");
  await eventually("the drop on node 2", async () => (await drops.nth(5).innerText()).startsWith("+"));
  // The announcement, and the function's message.
  await dark.locator(".card.bad dt:has-text('behind') + dd:text-is('2')").waitFor();
  await save(dark, "degraded");
  await dark.getByRole("button", { name: "Unfreeze Redis" }).click();
  await dark.locator(".verdict.good").waitFor();

  // Killed: it is named, and can be started again.
  const second = dark.locator(".card").nth(1);
  await second.getByRole("button", { name: "Kill it" }).click();
  await second.getByRole("button", { name: "Start it again" }).waitFor();
  await dark.locator(".verdict.bad").waitFor();
  await save(dark, "killed");
  await second.getByRole("button", { name: "Start it again" }).click();
  await dark.locator(".verdict.good", { hasText: "All 2 nodes" }).waitFor();

  // A fleet of 22, one of them frozen, and many apps written at once.
  const prefix = defaultPrefix(opened.stack.table.name);
  const stop = startAgents({ count: 20, redisUrl: opened.stack.redisUrl, prefix });
  const many = await opened.page();
  await many.locator(".verdict.good", { hasText: "All 22 nodes" }).waitFor();
  for (let i = 0; i < 60; i += 1) await opened.stack.table.put(item(`bulk-${i}`));
  await many.locator("tbody tr", { hasText: "60 apps" }).waitFor();
  const [first] = opened.stack.nodes;
  first?.child.signal("SIGSTOP");
  await many.locator(".verdict.bad").waitFor();
  await save(many, "compact");
  first?.child.signal("SIGCONT");
  await many.locator(".verdict.good").waitFor();
  await stop();

  const redis = new Redis(opened.stack.redisUrl);
  await redis.del(busNames(prefix).log);
  redis.disconnect();
  await many.locator(".verdict.warn", { hasText: "The log is gone" }).waitFor();
  await save(many, "log-gone");

  const narrow = await opened.page({ width: 375, height: 1_400 }, ".verdict.warn");
  await narrow.locator(".problem").first().waitFor();
  await narrow.screenshot({ path: "docs/img/console-narrow.png", fullPage: true });

  const { dynamodbEndpoint, redisUrl } = opened.stack;
  await pictureTrouble({ dynamodbEndpoint, redisUrl, folder: REPORTS });
} finally {
  await opened.close();
}
process.exit(0);
