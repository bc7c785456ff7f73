import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { formatMessageId } from "../protocol/message-id.ts";
import type { AppsView } from "./apps.ts";
import { LOCAL_CHANGES, type LocalControls } from "./local-controls.ts";
import type { Observer } from "./observer.ts";
import { hasToken, HEADERS, isFromPage, isLocalHost, isLoopback, isSame, tokenCookie } from "./security.ts";
import type { ConsoleState } from "./state.ts";

export interface ConsoleOptions {
  /** Where to listen; on anything but a loopback address a token is asked for. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The token; a random one by default. Only where one is asked for. */
  readonly token?: string;
  readonly table: string;
  readonly log: string;
  readonly observer: Observer;
  readonly apps: AppsView;
  /** In the local stack only: without it the console changes nothing. */
  readonly controls?: LocalControls;
  /** The folder of the built page. */
  readonly assets: URL;
}

export interface Console {
  /** With the token, when there is one. */
  readonly url: string;
  close(): Promise<void>;
}

/** The nodes are asked, and the page is told, this often. Milliseconds. */
const EVERY_MS = 1_000;

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/app.js": ["app.js", "text/javascript; charset=utf-8"],
  "/app.css": ["app.css", "text/css; charset=utf-8"],
};

/** Serves the page, and what it shows. Rejects when the port cannot be taken. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { host, observer, apps, controls } = options;
  const token = isLoopback(host) ? undefined : (options.token ?? randomBytes(24).toString("base64url"));
  const streams = new Set<ServerResponse>();
  let trouble: string | null = null;

  const state = (): ConsoleState => ({
    now: Date.now(),
    table: options.table,
    log: options.log,
    tail: observer.tail ? formatMessageId(observer.tail) : null,
    trouble,
    nodes: observer.nodes,
    points: observer.series.points(Date.now()),
    changes: observer.changes,
    local: controls !== undefined,
    frozen: controls?.frozen() ?? [],
  });
  const send = (response: ServerResponse) => response.write(`data: ${JSON.stringify(state())}\n\n`);

  async function look(): Promise<void> {
    try {
      const changed = await observer.look(Date.now());
      trouble = null;
      await Promise.all([...new Set(changed)].slice(0, 50).map((appId) => apps.changed(appId)));
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
    }
    for (const response of streams) send(response);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const url = new URL(request.url ?? "/", "http://console");
    if (token === undefined && !isLocalHost(request.headers.host)) {
      refuse(response, 403, "expected a loopback name in Host");
      return;
    }
    if (token !== undefined && !hasToken(request, token)) {
      const given = url.searchParams.get("token");
      if (given === null || !isSame(given, token)) {
        refuse(response, 401, "expected the token: open the address that the console has printed");
        return;
      }
      // Out of the address bar, and out of the history.
      response.writeHead(303, { "Set-Cookie": tokenCookie(token), Location: "/" }).end();
      return;
    }
    const local = /^\/api\/local\/(change|cut|freeze|thaw)$/.exec(url.pathname)?.[1];
    if (local !== undefined && controls) await change(local, request, response, controls, observer);
    else if (request.method !== "GET") refuse(response, 404, "there is nothing to change here");
    else if (url.pathname === "/api/stream") stream(response);
    else if (url.pathname === "/api/apps") await search(url.searchParams.get("search") ?? "", response);
    else await file(url.pathname, response);
  }

  function stream(response: ServerResponse): void {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    streams.add(response);
    response.on("close", () => streams.delete(response));
    send(response);
  }

  async function search(text: string, response: ServerResponse): Promise<void> {
    try {
      json(response, 200, await apps.search(text, Date.now()));
    } catch (error) {
      json(response, 502, { error: `the table could not be read: ${(error as Error).message}` });
    }
  }

  async function file(path: string, response: ServerResponse): Promise<void> {
    const [name, type] = FILES[path] ?? [];
    if (name === undefined || type === undefined) refuse(response, 404, "there is no such page");
    else response.writeHead(200, { "Content-Type": type }).end(await readFile(new URL(name, options.assets)));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent)
        refuse(response, 500, error instanceof Error ? error.message : String(error));
      else response.end();
    });
  });
  const port = await listen(server, host, options.port);
  await look();
  const closing = new AbortController();
  const looking = (async () => {
    // A look at nodes that do not answer takes longer than a second: the next begins after it.
    while (await pausing(closing.signal)) await look();
  })();
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${name}:${port}/${token === undefined ? "" : `?token=${token}`}`,
    async close() {
      closing.abort();
      await looking;
      for (const response of streams) response.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** False as soon as it is over. */
function pausing(signal: AbortSignal): Promise<boolean> {
  return pause(EVERY_MS, true, { signal }).catch(() => false);
}

async function change(
  what: string,
  request: IncomingMessage,
  response: ServerResponse,
  controls: LocalControls,
  observer: Observer,
): Promise<void> {
  if (request.method !== "POST" || !isFromPage(request)) {
    refuse(response, 403, "expected a request of the page itself");
    return;
  }
  const body = (await bodyOf(request)) as { pid?: unknown; what?: unknown } | undefined;
  if (what === "change") {
    const known = LOCAL_CHANGES.find((one) => one === body?.what);
    if (known === undefined) {
      refuse(response, 400, `what: expected one of ${LOCAL_CHANGES.join(", ")}`);
      return;
    }
    const { appId, at } = await controls.change(known);
    observer.wrote(appId, at);
  } else {
    const { pid } = body ?? {};
    if (typeof pid !== "number") {
      refuse(response, 400, "pid: expected a number");
      return;
    }
    controls[what as "cut" | "freeze" | "thaw"](pid);
  }
  json(response, 200, {});
}

/** Bytes of a request's body: a button's is tiny. */
const MOST_BODY = 1_024;

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MOST_BODY) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${reason}\n`);
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "EADDRINUSE" ? "it is busy" : error.message;
      reject(
        new Error(`expected to listen on ${host}:${port}, found that ${reason}: choose another with --port`),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}
