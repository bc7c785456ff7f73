import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** On every answer. Nothing comes from elsewhere, and nobody frames the page. */
export const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Whether the Host header names this machine itself: a page of somewhere else, whose name was pointed here (DNS
 * rebinding), is refused. Only asked of a console that has no token.
 */
export function isLocalHost(header: string | undefined): boolean {
  const name = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(header ?? "");
  return name !== null && isLoopback((name[1] ?? name[2] ?? "").toLowerCase());
}

/** Whether a request that changes something was made by the page itself. */
export function isFromPage({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin === undefined || host === undefined) return false;
  return origin === `http://${host}` && headers["content-type"] === "application/json";
}

const COOKIE = "app-sync-console";

/** Whether a request has the token, in its cookie or as a bearer. In constant time. */
export function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
  const cookie = new RegExp(`(?:^|; )${COOKIE}=([^;]*)`).exec(headers.cookie ?? "")?.[1];
  return [bearer, cookie].some((given) => given !== undefined && isSame(given, token));
}

export function isSame(given: string, token: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(token)];
  return left.length === right.length && timingSafeEqual(left, right);
}

export function tokenCookie(token: string): string {
  return `${COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/`;
}
