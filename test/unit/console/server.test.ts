import { request as httpRequest } from "node:http";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import type { AppItems } from "../../../src/aws/app-items.ts";
import type { LocalControls } from "../../../src/console/local-controls.ts";
import { type ObservedFleet, Observer } from "../../../src/console/observer.ts";
import { type Console, startConsole } from "../../../src/console/server.ts";
import { isLocalHost, isLoopback } from "../../../src/console/security.ts";

const quiet: ObservedFleet = {
  ask: () => Promise.resolve([]),
  tail: () => Promise.resolve(undefined),
  messages: () => Promise.resolve([]),
  now: () => Promise.resolve(Date.now()),
};
const one = {
  get: () => Promise.resolve(undefined),
  async *pages() {
    yield await Promise.resolve([{ AppId: { S: "acme" }, AppKey: { S: "k" }, AppSecret: { S: "s3cret" } }]);
  },
} as Partial<AppItems> as AppItems;

let served: Console | undefined;

afterEach(async () => {
  await served?.close();
});

interface More {
  host?: string;
  token?: string;
  controls?: LocalControls;
  fleet?: ObservedFleet;
  items?: AppItems;
}

async function start({ fleet = quiet, items = one, ...more }: More = {}): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-console-"));
  await writeFile(join(folder, "index.html"), "<p>page");
  served = await startConsole({
    host: "127.0.0.1",
    port: 0,
    table: "apps",
    log: "log",
    observer: new Observer(fleet),
    items,
    assets: pathToFileURL(`${folder}/`),
    ...more,
  });
  return new URL(served.url);
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** fetch sends a Host of its own, and tidies paths. */
function ask(
  url: URL,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
  body = "",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port: url.port, path, method, headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

const controls = (done: string[]): LocalControls => ({
  change: (what) => {
    done.push(what);
    return Promise.resolve({ appId: "acme", path: "secret", at: 0 });
  },
  disconnect: (pid) => done.push(`disconnect ${pid}`),
  freeze: (pid) => done.push(`freeze ${pid}`),
  thaw: (pid) => done.push(`thaw ${pid}`),
  kill: (pid) => Promise.resolve(void done.push(`kill ${pid}`)),
  start: (pid) =>
    pid === 7 ? Promise.resolve(void done.push("start 7")) : Promise.reject(new Error("no pid")),
  nodes: () => [],
});

describe("the console's server", () => {
  it("serves its page under a strict policy", async () => {
    const url = await start();
    const { status, headers, body } = await ask(url, "/");
    expect([status, body]).toEqual([200, "<p>page"]);
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
    );
    expect(headers["content-security-policy"]).not.toMatch(/unsafe|http/);
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
  });

  it.each([
    "/../package.json",
    "/%2e%2e/package.json",
    "/index.html",
    "/api",
    "/api/local/change",
    "/app.js/../x",
  ])("has nothing at %s", async (path) => {
    expect((await ask(await start(), path)).status).toBe(404);
  });

  it("on a loopback address answers to loopback names only: a foreign name may have been pointed here", async () => {
    const url = await start();
    for (const host of ["localhost", `localhost:${url.port}`, "127.0.0.1", "[::1]:80", "127.9.9.9"]) {
      expect([host, (await ask(url, "/", { Host: host })).status]).toEqual([host, 200]);
    }
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1"]) {
      expect([host, (await ask(url, "/", { Host: host })).status]).toEqual([host, 403]);
    }
    expect([isLocalHost(undefined), isLoopback("0.0.0.0")]).toEqual([false, false]);
  });

  it("on any other address asks for a token, which goes into a cookie and out of the address", async () => {
    const url = await start({ host: "0.0.0.0", token: "t0ken" });
    expect(url.search).toBe("?token=t0ken");
    for (const path of ["/", "/api/stream", "/api/apps", "/?token=wrong", "/?token=t0ke"]) {
      expect((await ask(url, path)).status).toBe(401);
    }
    const entered = await ask(url, "/?token=t0ken");
    expect([entered.status, entered.headers.location]).toEqual([303, "/"]);
    const [cookie = ""] = entered.headers["set-cookie"] as string[];
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    expect((await ask(url, "/", { Cookie: cookie.split(";")[0] ?? "" })).status).toBe(200);
    expect((await ask(url, "/api/apps", { Authorization: "Bearer t0ken" })).status).toBe(200);
    expect((await ask(url, "/", { Cookie: "app-sync-console=t0ke" })).status).toBe(401);
    const again = await ask(url, "/?token=t0ken", { Cookie: cookie.split(";")[0] ?? "" });
    expect([again.status, again.headers.location]).toEqual([303, "/"]);
    await served?.close();
    expect((await start({ host: "0.0.0.0" })).search).toMatch(/^\?token=[\w-]{32}$/);
  });

  it("asks for a token that it was given on a loopback address too, under whatever name a proxy has", async () => {
    const url = await start({ token: "t0ken" });
    expect((await ask(url, "/")).status).toBe(401);
    const headers = { Host: "console.example.com", Authorization: "Bearer t0ken" };
    expect((await ask(url, "/", headers)).status).toBe(200);
  });

  it("refuses what is no path", async () => {
    const url = await start();
    expect((await ask(url, "//[")).status).toBe(400);
    expect((await ask(url, "http://elsewhere.example/")).status).toBe(400);
  });

  it("changes nothing outside the local stack", async () => {
    const url = await start();
    const headers = { Origin: url.origin, "Content-Type": "application/json" };
    for (const what of ["change", "disconnect", "freeze", "thaw", "kill", "start"]) {
      expect((await ask(url, `/api/local/${what}`, headers, "POST", '{"pid":1,"what":"limit"}')).status).toBe(
        404,
      );
    }
    expect((await ask(url, "/", {}, "DELETE")).status).toBe(404);
  });

  it("in the local stack takes orders of its own page only", async () => {
    const done: string[] = [];
    const url = await start({ controls: controls(done) });
    const post = (path: string, body: string, headers: Record<string, string> = {}) =>
      ask(url, path, { Origin: url.origin, "Content-Type": "application/json", ...headers }, "POST", body);
    expect((await post("/api/local/change", '{"what":"limit"}')).status).toBe(200);
    expect((await post("/api/local/freeze", '{"pid":7}')).status).toBe(200);
    for (const action of ["kill", "start"]) {
      expect((await post(`/api/local/${action}`, '{"pid":7}')).status).toBe(200);
    }
    expect(done).toEqual(["limit", "freeze 7", "kill 7", "start 7"]);
    expect(await post("/api/local/start", '{"pid":8}')).toMatchObject({ status: 500, body: "no pid\n" });
    for (const [body, headers] of [
      ['{"what":"limit"}', { Origin: "http://evil.example" }],
      ['{"what":"limit"}', { Origin: "null" }],
      ['{"what":"limit"}', { "Content-Type": "text/plain" }],
    ] as const) {
      expect((await post("/api/local/change", body, headers)).status).toBe(403);
    }
    for (const body of ['{"what":"drop"}', "{", "", "[]", `{"what":"${"x".repeat(2_000)}"}`]) {
      expect((await post("/api/local/change", body)).status).toBe(400);
    }
    expect((await post("/api/local/disconnect", '{"pid":"7"}')).status).toBe(400);
    expect((await ask(url, "/api/local/change", { Origin: url.origin })).status).toBe(403);
    expect(done).toHaveLength(4);
  });

  it("shows apps without their secrets", async () => {
    const { body } = await ask(await start(), "/api/apps?search=ACME");
    expect(JSON.parse(body)).toMatchObject({
      matching: 1,
      all: 1,
      apps: [{ id: "acme", key: "k", enabled: true }],
    });
    expect(body).not.toContain("s3cret");
  });

  it("shows a change before the nodes have answered", async () => {
    const fleet: ObservedFleet = {
      ...quiet,
      ask: () => (asked ? new Promise((resolve) => (answer = resolve)) : Promise.resolve([])),
      tail: () => Promise.resolve(asked ? { epoch: 1, seq: 1 } : undefined),
      messages: (after) =>
        Promise.resolve(after ? [] : [{ id: { epoch: 1, seq: 1 }, json: '{"v":1,"flush":"test","at":1}' }]),
    };
    let asked = false;
    let answer: (nodes: []) => void = () => undefined;
    const url = await start({ fleet });
    asked = true;
    expect(await firstEvent(url, (text) => text.includes('"reason":"test"'))).toContain('"tail":"1-1"');
    answer([]);
  });

  it("knows the nodes while the table cannot be read", async () => {
    let fails = false;
    let tail = 0;
    const fleet: ObservedFleet = {
      ...quiet,
      tail: () => Promise.resolve(tail > 0 ? { epoch: 1, seq: tail } : undefined),
      messages: (after) =>
        Promise.resolve(after ? [] : [{ id: { epoch: 1, seq: 1 }, json: JSON.stringify(message) }]),
    };
    const message = {
      v: 1,
      table: "apps",
      at: 1,
      changes: [{ appId: "acme", type: "updated", keys: [], changed: [] }],
    };
    const items = { ...one, get: () => Promise.reject(new Error(fails ? "no table" : "")) } as AppItems;
    const url = await start({ fleet, items });
    await ask(url, "/api/apps");
    fails = true;
    tail = 1;
    expect(await firstEvent(url, (text) => text.includes('"appId":"acme"'))).toContain('"redisTrouble":null');
  });

  it("says why nothing is known while Redis does not answer", async () => {
    const fleet: ObservedFleet = { ...quiet, tail: () => Promise.reject(new Error("no Redis")) };
    const url = await start({ fleet });
    expect(await firstEvent(url, (text) => text !== "")).toContain('"redisTrouble":"no Redis"');
  });
});

/** The first state of the stream that is as wanted. */
function firstEvent(url: URL, wanted: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port: url.port, path: "/api/stream", agent: false },
      (response) => {
        response.on("data", (chunk: Buffer) => {
          if (!wanted(chunk.toString())) return;
          resolve(chunk.toString());
          request.destroy();
        });
      },
    );
    request.on("error", reject);
    request.end();
  });
}

it("says which option to change when it cannot listen", async () => {
  // An address that is kept for documents: no machine has it.
  await expect(start({ host: "192.0.2.1" })).rejects.toThrow(
    "expected to listen on 192.0.2.1:0, found that it is no address of this machine: choose another with --host",
  );
});
