import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { agentFile } from "../../local/stack.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { watchFleet, type WatchedFleet } from "../console/watched-fleet.ts";
import type { CanaryResult } from "../../src/protocol/canary.ts";
import { busNames } from "../../src/protocol/names.ts";
import { startAgents } from "../support/agents.ts";
import { cli } from "../support/cli.ts";
import { eventually, item, loadHandler, root } from "../support/fleet.ts";

type Canary = (event: unknown, context: { getRemainingTimeInMillis(): number }) => Promise<CanaryResult>;

let watched: WatchedFleet;
let first: SoketiNode;
let second: SoketiNode;

beforeAll(async () => {
  watched = await watchFleet(inject("dynamodbEndpoint"), inject("redisUrl"));
});

afterAll(async () => {
  await watched.close();
});

const card = ({ child }: SoketiNode) => watched.page.locator(`[data-pid="${child.pid}"]`);

// One story, told to one page.
describe("the sentence on top", { shuffle: false }, () => {
  it("is no good while there is no node, and tells nothing published from all well", async () => {
    await watched.shows("warn", "No node is registered.");
    first = await watched.fleet.node();
    await watched.shows("good", "The node is up to date: nothing was published yet.");
    second = await watched.fleet.node();
    await watched.shows("good", "All 2 nodes are up to date: nothing was published yet.");
    await watched.fleet.table.put(item("acme"));
    await watched.page.locator("tbody tr", { hasText: "created" }).waitFor();
    await watched.shows("good", "All 2 nodes are up to date.");
  });

  it("says that nothing is known while Redis is down, above cards that are not green", async () => {
    watched.redisLink.refuse(true);
    watched.redisLink.disconnect();
    await watched.shows("bad", "Nothing is known at the moment: Could not ");
    expect(await watched.verdict()).toMatch(
      /Redis at 127\.0\.0\.1:\d+\S* .*The nodes were seen \d+ s ago\.$/,
    );
    expect(await watched.page.locator(".card.good, .state.good").count()).toBe(0);
    expect(await card(first).innerText()).toMatch(/as of \d+ s ago[^]*lease\s+not known/);
    watched.redisLink.refuse(false);
    await watched.shows("good", "All 2 nodes are up to date.");
  });

  it("does so as well when Redis takes what it is asked and says nothing", async () => {
    watched.redisLink.freeze();
    await watched.shows("bad", "Nothing is known at the moment");
    await watched.page.locator(".card.stale").nth(1).waitFor();
    expect(await watched.page.locator(".card.good").count()).toBe(0);
    await watched.shows("bad", "did not answer");
    watched.redisLink.thaw();
    watched.redisLink.disconnect();
    await watched.shows("good", "All 2 nodes are up to date.");
  });

  it("says that DynamoDB does not answer, and no request to the console hangs with it", async () => {
    watched.tableLink.freeze();
    await watched.shows("bad", "cannot be read: DynamoDB did not answer within 5 s.");
    // An app that has changed must be read again before apps can be shown.
    await watched.fleet.table.update("acme", { MaxConnections: { N: "6" } });
    await watched.page.locator(".failure", { hasText: "DynamoDB did not answer within 5 s" }).waitFor();
    // Of the nodes it is known all the same.
    expect(await watched.page.locator(".card.good").count()).toBe(2);
    watched.tableLink.thaw();
    watched.tableLink.disconnect();
    await watched.shows("good", "All 2 nodes are up to date.");
  });

  it("says that the log is gone, which is not that nothing was published", async () => {
    await watched.redis.del(`${watched.fleet.prefix}:v1:log`);
    await watched.shows("warn", "The log is gone");
    await watched.page.reload();
    await watched.shows("warn", "The log is gone");
    await watched.fleet.table.update("acme", { MaxConnections: { N: "7" } });
    await watched.shows("good", "All 2 nodes are up to date.");
  });

  it("counts what the canary has found, and never takes it for well where nobody has measured", async () => {
    const none = "How long changes take is not measured: there is no canary.";
    await watched.shows("good", `All 2 nodes are up to date. ${none}`);
    const env = { ...watched.env, AWS_REGION: "us-east-1" };
    const credentials = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };
    const canary = await loadHandler<Canary>({ ...env, ...credentials }, "canary");
    const result = await canary({}, { getRemainingTimeInMillis: () => 30_000 });
    expect(result).toMatchObject({ expected: 2, confirmed: 2 });
    const fact = watched.page.locator(".facts div", { hasText: "canary" });
    await fact.getByText(new RegExp(`${result.totalMs} ms to .*, \\d+ s ago$`)).waitFor();

    const key = busNames(watched.fleet.prefix).canary;
    const keep = (more: Partial<CanaryResult>) =>
      watched.redis.set(key, JSON.stringify({ ...result, ...more }));
    await keep({ totalMs: 1_999 });
    await watched.shows("good", "All 2 nodes are up to date.");
    expect(await watched.verdict()).toBe("All 2 nodes are up to date.");
    await keep({ totalMs: 2_001 });
    await watched.shows("warn", "took 2001 ms to the last node, more than 2 s.");
    await keep({ totalMs: null, nodesMs: null, confirmed: 1, missing: ["host-9 7"] });
    await watched.shows("bad", "was not confirmed by host-9 7.");
    await keep({ streamMs: null, totalMs: null, nodesMs: null });
    await watched.shows("bad", "did not reach the log.");
    await keep({ at: result.at - 200_000 });
    await watched.shows("bad", "nothing measures whether changes arrive.");
    await watched.redis.del(key);
    await watched.shows("good", none);
    await watched.fleet.table.delete("app-sync-canary");
  });

  it("shows an invalidation as what it is", async () => {
    expect((await cli(["invalidate", "acme"], { env: watched.env })).status).toBe(0);
    await watched.page.locator("tbody tr", { hasText: "invalidated every node reads it again" }).waitFor();
  });

  it("names a node whose process is frozen, as long as it is", async () => {
    first.child.signal("SIGSTOP");
    await watched.shows("bad", "does not answer: without Redis nothing older than 5 s is served");
    await card(first).locator(".state.bad").waitFor();
    expect(await card(second).locator(".state.good").count()).toBe(1);
    first.child.signal("SIGCONT");
    await watched.shows("good", "All 2 nodes are up to date.");
  });

  it("names the clock that differs, and no lag is less than nothing", async () => {
    const clock = join(root, "test/support/clock-ahead.cjs");
    const env = { NODE_OPTIONS: `--require "${clock}" --require "${agentFile}"` };
    const ahead = await watched.fleet.node({ env });
    await watched.shows("good", "All 3 nodes are up to date.");
    ahead.child.signal("SIGUSR2");
    const note = watched.page.locator(".notes li");
    await note.waitFor();
    expect(await note.innerText()).toMatch(
      new RegExp(`^The clock of node ${ahead.child.pid} is 3\\d\\d\\d\\.\\d s ahead of Redis'`),
    );
    await watched.fleet.table.update("acme", { MaxConnections: { N: "8" } });
    const drops = watched.page.locator("tbody tr", { hasText: "limits.maxConnections = 8" }).locator("td");
    await eventually("two drops, and none of the third", async () => {
      const texts = (await drops.allInnerTexts()).slice(4);
      return texts.filter((text) => /^\+\d+ ms$/.test(text)).length === 2 && texts.includes("·");
    });
    expect(await card(ahead).innerText()).toMatch(/last lag\s+not known: its clock is 3\d\d\d/);
    await ahead.stop();
    await watched.shows("good", "All 2 nodes are up to date.");
  });

  it("names one of 22 nodes, which do not push the rest of the page away", async () => {
    const stop = startAgents({ count: 20, redisUrl: inject("redisUrl"), prefix: watched.fleet.prefix });
    await watched.shows("good", "All 22 nodes are up to date.");
    await watched.page.locator(".tile.good").nth(21).waitFor();
    const nodes = watched.page.locator("section:has(#nodes)");
    expect((await nodes.boundingBox())?.height).toBeLessThan(420);
    second.child.signal("SIGSTOP");
    await watched.shows("bad", `:${second.child.pid} does not answer: without Redis`);
    // The one with trouble is the first, and says more when it is opened.
    const tile = watched.page.locator(".tile").first();
    expect(await tile.getAttribute("data-pid")).toBe(String(second.child.pid));
    expect(await tile.innerText()).not.toContain("versions");
    await tile.locator("summary").click();
    expect(await tile.innerText()).toMatch(/lease\s+none[^]*soketi 1\.6\.1/);
    second.child.signal("SIGCONT");
    await watched.shows("good", "All 22 nodes are up to date.");
    await stop();
    await watched.shows("good", "All 2 nodes are up to date.");
  });

  it("names a node that was killed, also when its entry is over", async () => {
    second.child.signal("SIGKILL");
    await watched.shows("bad", "does not answer");
    await watched.shows("bad", "vanished, last seen");
    expect(await card(second).innerText()).toMatch(/vanished, last seen \d+ s ago/);
    expect(await watched.page.title()).toBe("(!) soketi-app-sync");
  });
});
