import type { IncomingMessage, ServerResponse } from "node:http";
import type { AppsView } from "./apps.ts";
import { serveFile } from "./files.ts";
import type { LocalControls } from "./local-controls.ts";
import { isAdmitted } from "./login.ts";
import type { Observer } from "./observer.ts";
import { handleAction, actionOf } from "./actions.ts";
import { json, refuse } from "./replies.ts";
import { HEADERS } from "./security.ts";
import type { Streams } from "./streams.ts";

/** What requests are answered from. */
export interface Routes {
  readonly token: string | undefined;
  readonly observer: Observer;
  readonly apps: AppsView;
  readonly explain: (error: unknown) => string;
  readonly controls?: LocalControls | undefined;
  readonly assets: URL;
  readonly streams: Streams;
  /** What a page that begins to listen is sent at once, as JSON. */
  readonly state: () => string;
}

/** Answers one request. Rejects with what went wrong before there was an answer, or amid it. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const path = request.url ?? "/";
  if (!path.startsWith("/") || !URL.canParse(path, "http://console")) {
    refuse(response, 400, "expected a path");
    return;
  }
  const url = new URL(path, "http://console");
  if (!isAdmitted(routes.token, request, response, url)) return;
  const { observer, controls, assets, streams } = routes;
  const action = actionOf(url.pathname);
  if (action !== undefined && controls) await handleAction(action, request, response, { controls, observer });
  else if (request.method !== "GET") refuse(response, 404, "there is nothing to change here");
  else if (url.pathname === "/api/stream") streams.add(response, routes.state());
  else if (url.pathname === "/api/apps") await search(routes, url.searchParams, response);
  else await serveFile(assets, url.pathname, response);
}

async function search(
  { apps, explain }: Routes,
  asked: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const asNumber = Number(asked.get("limit") ?? Number.NaN);
  const limit = Number.isInteger(asNumber) ? asNumber : undefined;
  try {
    json(response, 200, await apps.search(asked.get("search") ?? "", Date.now(), limit));
  } catch (error) {
    json(response, 502, { error: `the table could not be read: ${explain(error)}` });
  }
}
