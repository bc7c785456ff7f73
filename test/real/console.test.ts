import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Page } from "playwright-core";
import { freePort } from "../../local/free-port.ts";
import { cli } from "../support/cli.ts";
import { eventually, item } from "../support/fleet.ts";
import { openConsole, type Opened } from "../console/opened.ts";

let opened: Opened;
let page: Page;

beforeAll(async () => {
  opened = await openConsole();
  page = await opened.page();
});

afterAll(async () => {
  await opened.close();
});

const verdict = () => page.locator(".verdict").innerText();

// One story, told to one page.
describe("the console of the local stack", { shuffle: false }, () => {
  it("shows every node with its lease", async () => {
    expect(await page.locator(".card").count()).toBe(2);
    for (const { child } of opened.stack.nodes) {
      const card = page.locator(`[data-pid="${child.pid}"]`);
      expect(await card.innerText()).toMatch(/following[^]*lease\s+\d\.\d s[^]*soketi 1\.6\.1/);
    }
    expect(await verdict()).toBe(
      "All 2 nodes are up to date. How long changes take is not measured: the local stack has no canary.",
    );
  });

  it("shows a change reach every node, with the time of each step", async () => {
    await page.getByRole("button", { name: "Change acme's limit" }).click();
    const row = page.locator("tbody tr", { hasText: "limits.maxConnections = 101" });
    await row.waitFor();
    await eventually("both drops", async () => /\+\d+ ms[^]*\+\d+ ms/.test(await row.innerText()));
    expect(await row.innerText()).toMatch(/^\d+ ms\s+\d\d:\d\d:\d\d\.\d{3}\s+acme\s+updated/);
    // Somebody else's write is shown as well.
    await opened.stack.table.update("initech", { MaxConnections: { N: "251" } });
    await page.locator("tbody tr", { hasText: "limits.maxConnections = 251" }).waitFor();
    expect(await page.locator("figure").first().innerText()).toMatch(/p50 \d+[^]*p99 \d+[^]*max \d+/);
  });

  it("shows a node degrade while its Redis is frozen, and recover", async () => {
    const pid = opened.stack.nodes[0]?.child.pid ?? 0;
    const card = page.locator(`[data-pid="${pid}"]`);
    await card.getByRole("button", { name: "Freeze Redis" }).click();
    await page.locator(".verdict.bad").waitFor();
    expect(await verdict()).toContain("node 1 does not answer");
    await eventually("the node to lose its lease", async () => {
      return (await opened.stack.nodes[0]?.metrics())?.lease_held === 0;
    });
    expect(await page.title()).toBe("(!) soketi-app-sync");
    // A change reaches the other node at once, and is shown although this one does not answer.
    await page.getByRole("button", { name: "Change acme's limit" }).click();
    const drops = page.locator("tbody tr", { hasText: "limits.maxConnections = 102" }).locator("td");
    await eventually("the drop on node 2", async () => /^\+\d+ ms$/.test(await drops.nth(5).innerText()));
    expect(await drops.nth(4).innerText()).toBe("·");
    await card.getByRole("button", { name: "Unfreeze Redis" }).click();
    await page.locator(".verdict.good").waitFor();
    // It was replayed: as late as the node was cut off.
    await eventually("the drop on node 1", async () => /^\+\d{3,} ms$/.test(await drops.nth(4).innerText()));
    await eventually("the longest in the chart", async () =>
      /max \d{3,}/.test(await page.locator("figure").first().innerText()),
    );
    expect((await opened.stack.nodes[0]?.metrics())?.lease_held).toBe(1);
    await card.getByRole("button", { name: "Disconnect Redis" }).click();
    await page.locator(".verdict.good").waitFor();
  });

  it("kills a node and starts it again; one without Redis can be thawed as long as it is frozen", async () => {
    const [one, two] = opened.stack.nodes;
    if (!one || !two) throw new Error("expected two nodes");
    const frozen = page.locator(`[data-pid="${one.child.pid}"]`);
    const killed = page.locator(`[data-pid="${two.child.pid}"]`);
    await frozen.getByRole("button", { name: "Freeze Redis" }).click();
    await killed.getByRole("button", { name: "Kill it" }).click();
    // Their entries in the registry are over by then.
    await frozen.getByText("vanished, last seen").waitFor();
    await killed.getByText("vanished, last seen").waitFor();
    await frozen.getByRole("button", { name: "Unfreeze Redis" }).click();
    await frozen.locator(".state.good").waitFor();
    await killed.getByRole("button", { name: "Start it again" }).click();
    await page.locator(".verdict.good", { hasText: "All 2 nodes are up to date." }).waitFor();
    expect(await page.locator(".card").count()).toBe(2);
    expect(await page.locator(`[data-pid="${two.child.pid}"] .state.good`).count()).toBe(1);
    expect(await killed.count()).toBe(0);
    await page.getByRole("button", { name: "Change acme's limit" }).click();
    await page.locator("tbody tr", { hasText: "limits.maxConnections = 103" }).waitFor();
  });

  it("tells the nodes of its own changes at once, as the command line does", async () => {
    await page.getByRole("button", { name: "Disable acme" }).click();
    const announced = page.locator("tbody tr", { hasText: "enabled by the console" });
    await eventually("both drops", async () => /\+\d+ ms[^]*\+\d+ ms/.test(await announced.innerText()));
    await page.locator("tbody tr", { hasText: "enabled = false" }).waitFor();
    await page.getByRole("button", { name: "Enable acme" }).click();
    await page.locator("tbody tr", { hasText: "enabled = true" }).waitFor();
  });

  it("shows apps with their problems, no secret, and finds them by keyboard", async () => {
    await page.locator("body").press("/");
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe("Search apps");
    await page.keyboard.type("webhooks");
    await page.getByText("1 of 3 apps").waitFor();
    await page.getByLabel("Search apps").fill("flag-unreadable");
    await page.getByText("1 of 3 apps").waitFor();
    const rows = page.locator("section:has(#apps) tbody tr");
    expect(await rows.innerText()).toMatch(/globex[^]*error Enabled:[^]*error Webhooks:/);
    await page.getByLabel("Search apps").fill("disabled");
    await eventually("the disabled app", async () =>
      (await rows.allInnerTexts()).join().startsWith("initech"),
    );
    await page.getByLabel("Search apps").fill("");
    expect(await page.content()).not.toMatch(/-secret|secret-1/);
  });

  it("shows apps as they are while changes do not stop", async () => {
    let writes = 0;
    const stopping = new AbortController();
    const written = (async () => {
      while (!stopping.signal.aborted) {
        writes += 1;
        await opened.stack.table.update("initech", { MaxConnections: { N: String(1_000 + writes) } });
      }
    })();
    const shown = await opened.page({}, ".count");
    const row = shown.locator("section:has(#apps) tbody tr", { hasText: "initech" });
    const connections = async () => Number(await row.locator("td").nth(3).innerText());
    const first = await connections();
    await eventually("a later state", async () => (await connections()) > first);
    stopping.abort();
    await written;
    await eventually("the last state", async () => (await connections()) === 1_000 + writes);
    await shown.close();
    // Others count on nodes that are up to date.
    await page.locator(".verdict.good").waitFor();
  });

  it("can be used by keyboard alone: everything is reached, and the focus is seen", async () => {
    await page.locator("h1").click();
    const reached = new Set<string>();
    for (let i = 0; i < 20; i += 1) {
      await page.keyboard.press("Tab");
      reached.add(
        String(
          await page.evaluate("document.activeElement.innerText || document.activeElement.tagName"),
        ).slice(0, 40),
      );
      const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
      if (await page.evaluate("document.activeElement !== document.body")) expect(outline).toBe("solid");
    }
    for (const label of ["Disconnect Redis", "Freeze Redis", "Change acme's limit", "INPUT"]) {
      expect([...reached]).toContain(label);
    }
  });

  it("fits narrow screens, and is dark where that is wished", async () => {
    const narrow = await opened.page({ width: 360, scheme: "dark" });
    expect(await narrow.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    expect(await narrow.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(18, 21, 27)");
    // What an app's problems are is seen without scrolling sideways.
    const problem = await narrow.locator(".problem").first().boundingBox();
    expect((problem?.x ?? 0) + (problem?.width ?? 999)).toBeLessThan(360);
    // The charts are drawn in the colours of the scheme, and in the width that there is.
    const drawn = await narrow.evaluate(
      "[...document.querySelectorAll('figure canvas')].map((one) => one.clientWidth)",
    );
    expect(drawn).toHaveLength(2);
    expect(Math.max(...(drawn as number[]))).toBeLessThan(340);
    await narrow.close();
  });

  it("asks nobody else for anything, and gives the browser nothing to complain of", () => {
    expect(opened.complaints).toEqual([]);
  });
});

describe("soketi-app-sync console", () => {
  it("serves the same page, changes nothing, and says when the console is gone", async () => {
    const { redisUrl, dynamodbEndpoint, table } = opened.stack;
    const env = {
      REDIS_URL: redisUrl,
      APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
      APP_MANAGER_DYNAMODB_TABLE: table.name,
    };
    const seen: Promise<void>[] = [];
    let shown: Page | undefined;
    const result = await cli(["console", "--port", "0"], {
      env,
      onOutput: (text, kill) => {
        const url = /Console: (http:\S+)/.exec(text)?.[1];
        if (url === undefined) return;
        seen.push(
          (async () => {
            const other = await opened.page();
            shown = other;
            await other.goto(url);
            await other.locator(".verdict.good").waitFor();
            expect(await other.locator("button").count()).toBe(0);
            const post = {
              method: "POST",
              headers: { Origin: new URL(url).origin, "Content-Type": "application/json" },
            };
            expect(
              (await fetch(new URL("/api/local/change", url), { ...post, body: '{"what":"limit"}' })).status,
            ).toBe(404);
          })().finally(() => {
            kill("SIGINT");
          }),
        );
      },
    });
    await Promise.all(seen);
    expect([result.status, seen.length]).toEqual([0, 1]);
    await shown?.getByText("Lost the connection to the console").waitFor();
    await shown?.close();
  });

  it("is found again by a page that is open, when it is started anew", async () => {
    const { redisUrl, dynamodbEndpoint, table } = opened.stack;
    const env = {
      REDIS_URL: redisUrl,
      APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
      APP_MANAGER_DYNAMODB_TABLE: table.name,
    };
    const shown = await opened.page();
    const port = String(await freePort());
    const whileServed = async (work: (url: string) => Promise<unknown>) => {
      const worked: Promise<unknown>[] = [];
      await cli(["console", "--port", port], {
        env,
        onOutput: (text, kill) => {
          const url = /Console: (http:\S+)/.exec(text)?.[1];
          if (url !== undefined)
            worked.push(
              work(url).finally(() => {
                kill("SIGINT");
              }),
            );
        },
      });
      await Promise.all(worked);
      expect(worked).toHaveLength(1);
    };
    await whileServed(async (url) => {
      await shown.goto(url);
      await shown.locator(".verdict.good").waitFor();
    });
    await shown.getByText("Lost the connection to the console").waitFor();
    await whileServed(() => shown.locator(".verdict.good").waitFor());
    await shown.close();
  });

  it("takes the token out of the address, and needs it no more", async () => {
    const token = "a-token-of-the-tests-1";
    const folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-console-"));
    const file = join(folder, "token");
    await writeFile(file, `${token}\n`);
    const shown = await opened.page();
    const worked: Promise<unknown>[] = [];
    const result = await cli(["console", "--port", "0", "--token-file", file], {
      env: {
        REDIS_URL: opened.stack.redisUrl,
        APP_MANAGER_DYNAMODB_ENDPOINT: opened.stack.dynamodbEndpoint,
        APP_MANAGER_DYNAMODB_TABLE: opened.stack.table.name,
      },
      onOutput: (text, kill) => {
        const url = /Console: (http:\S+)/.exec(text)?.[1];
        if (url === undefined) return;
        const look = async () => {
          const { origin } = new URL(url);
          expect((await fetch(new URL("/api/stream", origin))).status).toBe(401);
          await shown.goto(url);
          await shown.locator(".verdict.good").waitFor();
          expect(shown.url()).toBe(`${origin}/`);
          await shown.reload();
          await shown.locator(".verdict.good").waitFor();
          expect(await shown.evaluate("document.cookie")).toBe("");
        };
        worked.push(
          look().finally(() => {
            kill("SIGINT");
          }),
        );
      },
    });
    await Promise.all(worked);
    expect([result.status, worked.length]).toEqual([0, 1]);
    await shown.close();
    await writeFile(file, "a b");
    const refused = await cli(["console", "--port", "0", "--token-file", file], {
      env: { REDIS_URL: opened.stack.redisUrl },
    });
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("openssl rand -hex 24")]);
    expect(refused.stderr).not.toContain("a b");
    await rm(folder, { recursive: true });
  });

  it("says that its port is busy, and that there is no Redis", async () => {
    const port = new URL(opened.served.url).port;
    const busy = await cli(["console", "--port", port], { env: { REDIS_URL: inject("redisUrl") } });
    expect([busy.status, busy.stderr]).toEqual([
      1,
      expect.stringContaining("found that it is in use: choose another with --port"),
    ]);
    const none = await cli(["console"]);
    expect([none.status, none.stderr]).toEqual([1, expect.stringContaining("REDIS_URL")]);
  });

  it("tells on the page that the table cannot be read", async () => {
    await opened.stack.table.put(item("late"));
    const env = { REDIS_URL: opened.stack.redisUrl, APP_MANAGER_DYNAMODB_ENDPOINT: "http://127.0.0.1:1" };
    const answers: Promise<unknown>[] = [];
    await cli(["console", "--port", "0"], {
      env,
      onOutput: (text, kill) => {
        const url = /Console: (http:\S+)/.exec(text)?.[1];
        if (url === undefined) return;
        const asked = fetch(new URL("/api/apps", url)).then((response) => response.json());
        answers.push(asked);
        void asked.finally(() => {
          kill("SIGINT");
        });
      },
    });
    expect(await answers[0]).toEqual({
      error: expect.stringContaining("the table could not be read") as string,
    });
  });
});
