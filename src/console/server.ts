import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { formatMessageId } from "../protocol/message-id.ts";
import type { AppsView } from "./apps.ts";
import type { LocalControls } from "./local-controls.ts";
import type { Observer } from "./observer.ts";
import { obey, orderOf } from "./orders.ts";
import { json, refuse } from "./replies.ts";
import { hasToken, HEADERS, isLocalHost, isLoopback, isSame, tokenCookie } from "./security.ts";
import type { ConsoleState } from "./state.ts";
import { Streams } from "./streams.ts";
import { startWatch } from "./watch.ts";

export interface ConsoleOptions {
  /** Where to listen; on anything but a loopback address a token is asked for in any case. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /**
   * What is asked for then, of URL-safe characters; by default a random one, and on a loopback address none. With a token a
   * request may name any host: it may have come through a proxy.
   */
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

/** Changes that are shown: more than a screen. */
const SHOWN = 50;

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/app.js": ["app.js", "text/javascript; charset=utf-8"],
  "/app.css": ["app.css", "text/css; charset=utf-8"],
};

/** Serves the page, and what it shows. Rejects when the port cannot be taken. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { host, observer, apps, controls } = options;
  const token = options.token ?? (isLoopback(host) ? undefined : randomBytes(24).toString("base64url"));
  const streams = new Streams();
  let trouble = (): string | null => null;

  const state = (): string =>
    JSON.stringify({
      now: Date.now(),
      table: options.table,
      log: options.log,
      tail: observer.tail ? formatMessageId(observer.tail) : null,
      trouble: trouble(),
      nodes: observer.nodes,
      points: observer.series.points(Date.now()),
      changes: observer.changes.slice(0, SHOWN),
      local: controls?.nodes() ?? null,
    } satisfies ConsoleState);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const path = request.url ?? "/";
    if (!path.startsWith("/") || !URL.canParse(path, "http://console")) {
      refuse(response, 400, "expected a path");
      return;
    }
    const url = new URL(path, "http://console");
    if (!isAdmitted(request, response, url)) return;
    const order = orderOf(url.pathname);
    if (order !== undefined && controls) await obey(order, request, response, { controls, observer });
    else if (request.method !== "GET") refuse(response, 404, "there is nothing to change here");
    else if (url.pathname === "/api/stream") streams.add(response, state());
    else if (url.pathname === "/api/apps") await search(url.searchParams, response);
    else await file(url.pathname, response);
  }

  /** False for a request that was answered here already. */
  function isAdmitted(request: IncomingMessage, response: ServerResponse, url: URL): boolean {
    if (token === undefined) {
      if (isLocalHost(request.headers.host)) return true;
      refuse(response, 403, "expected a loopback name in Host");
      return false;
    }
    const given = url.searchParams.get("token");
    if (given !== null && isSame(given, token)) {
      // Out of the address bar, and out of the history: also for somebody who has the cookie already.
      response.writeHead(303, { "Set-Cookie": tokenCookie(token), Location: "/" }).end();
      return false;
    }
    if (hasToken(request, token)) return true;
    refuse(response, 401, "expected the token: open the address that the console has printed");
    return false;
  }

  async function search(asked: URLSearchParams, response: ServerResponse): Promise<void> {
    const limit = Number(asked.get("limit") ?? Number.NaN);
    try {
      const found = await apps.search(
        asked.get("search") ?? "",
        Date.now(),
        Number.isInteger(limit) ? limit : undefined,
      );
      json(response, 200, found);
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
  const watch = await startWatch(observer, {
    changed(rows) {
      // Not waited for: a table that cannot be read says nothing of the nodes.
      void apps.changed(rows.flatMap(({ appId }) => appId ?? []));
    },
    news() {
      streams.send(state);
    },
  });
  trouble = () => watch.trouble();
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${name}:${port}/${token === undefined ? "" : `?token=${token}`}`,
    async close() {
      await watch.stop();
      streams.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
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
