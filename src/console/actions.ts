import type { IncomingMessage, ServerResponse } from "node:http";
import { LOCAL_CHANGES, type LocalControls, NODE_ACTIONS, type NodeAction } from "./local-controls.ts";
import type { Observer } from "./observer.ts";
import { json, refuse } from "./replies.ts";
import { isFromPage } from "./security.ts";

/** Bytes of a request's body: a button's is tiny. */
const MAX_BODY_BYTES = 1_024;

/** What a button of the page does. */
export type Action = "change" | NodeAction;

/** What the page's buttons ask for; undefined for any other path. */
export function actionOf(path: string): Action | undefined {
  return (["change", ...NODE_ACTIONS] as const).find((action) => path === `/api/local/${action}`);
}

/** Does what a button of the page asks for. Rejects when it cannot be done. */
export async function handleAction(
  action: Action,
  request: IncomingMessage,
  response: ServerResponse,
  { controls, observer }: { readonly controls: LocalControls; readonly observer: Observer },
): Promise<void> {
  if (request.method !== "POST" || !isFromPage(request)) {
    refuse(response, 403, "expected a request of the page itself");
    return;
  }
  const body = (await bodyOf(request)) as { pid?: unknown; what?: unknown } | undefined;
  if (action === "change") {
    const known = LOCAL_CHANGES.find((one) => one === body?.what);
    if (known === undefined) {
      refuse(response, 400, `what: expected one of ${LOCAL_CHANGES.join(", ")}`);
      return;
    }
    observer.wrote(await controls.change(known));
  } else {
    const { pid } = body ?? {};
    if (typeof pid !== "number") {
      refuse(response, 400, "pid: expected a number");
      return;
    }
    await controls[action](pid);
  }
  json(response, 200, {});
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_BODY_BYTES) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
