import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { refuse } from "./replies.ts";
import { hasToken, isLocalHost, isLoopback, isSame, tokenCookie } from "./security.ts";

/** The token that requests must have. Undefined: none, on a loopback address for which none was chosen. */
export function tokenFor(host: string, chosen: string | undefined): string | undefined {
  return chosen ?? (isLoopback(host) ? undefined : randomBytes(24).toString("base64url"));
}

/** Whether a request may see the console. False for one that was answered here already. */
export function isAdmitted(
  token: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): boolean {
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
  refuse(response, 401, "expected the token: open the address that the console printed");
  return false;
}
