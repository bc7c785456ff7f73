import type { ReportPart } from "./webhook-parts.ts";

/**
 * What soketi's HTTP client takes off both ends: all up to the space, the no-break space and the byte order mark. It reads
 * URLs with Node's old `url.parse`, which is more lenient than the URL class; that one we cannot use, since later Nodes
 * warn of it.
 */
const SPACE_AROUND = /^[^!-\u009f\u00a1-\ufefe\uff00-\uffff]+|[^!-\u009f\u00a1-\ufefe\uff00-\uffff]+$/g;

/** Scheme, then what ends at the path, the query or the fragment. To that client a backslash is a slash. */
const PARTS = /^(?<scheme>https?:[/\\]{2})(?<authority>[^/\\?#]+)(?<rest>.*)/is;

/** At these its host ends, wherever that is: it would post to another host than the one that was meant. */
const HOST_BROKEN = /[ "%';<>^`{|}]/;

/** Node sends a path and a query of these characters only. The fragment is never sent. */
const SENT_PATH = /^[\x21-\xff]*(?:#|$)/;

/** Longer names it takes for none, and posts to its own machine. Characters. */
const MAX_HOST = 255;

/**
 * The URL that soketi posts to for what was written. Undefined, with a problem, when it posts nowhere, or to a place that
 * nobody wrote: to its own machine where the host is missing.
 */
export function readUrl(value: unknown, report: ReportPart): string | undefined {
  const url = typeof value === "string" ? sendable(value) : undefined;
  if (url === undefined) {
    report(".url", "webhook-bad-url", "expected an http or https URL. The webhook is dropped.");
  } else if (url !== value) {
    const done = "the white space around it is left out, and inside it is percent-encoded, as in soketi";
    report(".url", "webhook-url-space", `${done}. Write it so.`);
  }
  return url;
}

function sendable(written: string): string | undefined {
  const parts = PARTS.exec(written.replace(SPACE_AROUND, ""));
  if (!parts) return undefined;
  const { scheme, authority, rest } = parts.groups as { scheme: string; authority: string; rest: string };
  // Before the path, that client leaves out tabs and line breaks.
  const loginAndHost = authority.replace(/[\t\n\r]/g, "");
  const login = loginAndHost.slice(0, loginAndHost.lastIndexOf("@") + 1);
  const host = loginAndHost.slice(login.length);
  const path = escapeSpace(rest);
  if (host === "" || host.length > MAX_HOST || HOST_BROKEN.test(host) || !SENT_PATH.test(path))
    return undefined;
  const url = `${scheme}${escapeSpace(login)}${host}${path}`;
  return isReadable(url, login) ? url : undefined;
}

function escapeSpace(text: string): string {
  return text.replace(/[\t\n\r ]/g, (space) => encodeURIComponent(space));
}

function isReadable(url: string, login: string): boolean {
  try {
    decodeURIComponent(login);
    // Not URL.canParse: the agent runs on Node 16.
    new URL(url);
    return true;
  } catch {
    return false;
  }
}
