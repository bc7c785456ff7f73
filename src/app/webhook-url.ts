import type { ReportPart } from "./webhook-parts.ts";

/**
 * What soketi's HTTP client takes off both ends: all up to the space, the no-break space and the byte order mark. It reads
 * URLs with Node's old `url.parse`, which is more lenient than the URL class; that one we cannot use, since later Nodes
 * warn of it.
 */
const AROUND = /^[^!-\u009f\u00a1-\ufefe\uff00-\uffff]+|[^!-\u009f\u00a1-\ufefe\uff00-\uffff]+$/g;

/** Scheme, then what ends at the path, the query or the fragment. To that client a backslash is a slash. */
const PARTS = /^(https?:[/\\]{2})([^/\\?#]+)(.*)$/is;

/** At these its host ends, wherever that is: it would post to another host than the one that was meant. */
const HOST_BROKEN = /[ "%';<>^`{|}]/;

/** What it writes for white space in a path or query. */
const ESCAPES: Readonly<Record<string, string>> = { "\t": "%09", "\n": "%0A", "\r": "%0D", " ": "%20" };

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
  const parts = PARTS.exec(written.replace(AROUND, ""));
  if (!parts) return undefined;
  const [, scheme = "", spaced = "", rest = ""] = parts;
  // These it takes out where they stand before the path.
  const authority = spaced.replace(/[\t\n\r]/g, "");
  const login = authority.slice(0, authority.lastIndexOf("@") + 1);
  const host = authority.slice(login.length);
  if (host === "" || host.length > MAX_HOST || HOST_BROKEN.test(host) || !isCarried(rest)) return undefined;
  const url = `${scheme}${escaped(login)}${host}${escaped(rest)}`;
  return isReadable(url, login) ? url : undefined;
}

function escaped(text: string): string {
  return text.replace(/[\t\n\r ]/g, (space) => ESCAPES[space] ?? space);
}

/** Whether Node sends a request with this path. The fragment is never sent. */
function isCarried(rest: string): boolean {
  const [path = ""] = escaped(rest).split("#", 1);
  return !/[^\x21-\xff]/.test(path);
}

function isReadable(url: string, login: string): boolean {
  try {
    decodeURIComponent(login);
    // Not URL.canParse: the agent runs on Node 16.
    return new URL(url).host !== "";
  } catch {
    return false;
  }
}
