import { createHash, createHmac } from "node:crypto";
import type { Random } from "../../simulation/random.ts";
import { spoiltText } from "./mutate.ts";
import type { Tenant } from "./tenants.ts";

export interface HostileRequest {
  readonly bytes: Buffer;
  /** Whether it is whole, by the rules of HTTP: somebody has to answer. */
  readonly isWhole: boolean;
  /** For messages: no body, and no secret. */
  readonly name: string;
}

const METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"];

/** Of a whole request. */
const STRANGE_HEADERS = [
  "Expect: 100-continue",
  "Origin: %ff%fe",
  "X-Bytes: \u00ff\ufffd\ud800",
  "Connection: Upgrade",
  "Upgrade: h2c",
  "Content-Encoding: gzip",
];

/** What stands for no text, or for another: an app's id, a channel, a user, a value of the query. The last takes soketi a second. */
const ENCODINGS = ["%", "%f", "%zz", "%00", "%ff%fe", "%c0%ae%c0%ae", "%ed%a0%80", "%E0%A4%A", "%25ff", "%2e%2e", "a%2Fb", "%u0041", "\u00ff\u00fe", "%ff".repeat(160)]; // prettier-ignore

/** uWebSockets.js closes connections whose head is longer than 4 kB, unless it comes in one piece. */
const MAX_HEAD = 4_000;

/** A request of soketi's HTTP API, spoilt or whole, or of what it has not. */
export function hostileRequest(random: Random, tenant: Tenant): HostileRequest {
  const { method, path, body } = valid(random, tenant);
  const spoiltMethod = random.chance(0.05) ? random.pick(METHODS) : method;
  const text = body === undefined ? "" : spoiltText(random, body);
  const target = `${random.chance(0.1) ? strangePath(random, tenant) : path}?${query(random, tenant, method, path, text)}`;
  const isBodyless = spoiltMethod === "GET" || spoiltMethod === "HEAD";
  const bytes = Buffer.from(isBodyless ? "" : text);
  const head = [
    `${spoiltMethod} ${target} HTTP/1.1`,
    "Host: localhost",
    ...(random.chance(0.05) ? [`X-Long: ${"x".repeat(random.pick([10, 3_000]))}`] : []),
    ...(random.chance(0.05) ? [random.pick(STRANGE_HEADERS)] : []),
    ...(isBodyless ? [] : [...lengthOf(random, bytes), "Content-Type: application/json"]),
  ];
  const request = damaged(random, { head, bytes, name: `${spoiltMethod} ${target.slice(0, 60)}` });
  return { ...request, isWhole: request.isWhole && head.join("\r\n").length < MAX_HEAD };
}

/** How long the body is: as clients write it, or otherwise as HTTP allows. */
function lengthOf(random: Random, { length }: Buffer): string[] {
  if (length > 0 || random.chance(0.5)) return [`Content-Length: ${length}`];
  return random.pick([["Content-Length: 00"], ["Content-Length:  0 "], []]);
}

interface Parts {
  readonly head: readonly string[];
  readonly bytes: Buffer;
  readonly name: string;
}

/** Most pass as they are; others are cut off, or lie about their length. */
function damaged(random: Random, { head, bytes, name }: Parts): HostileRequest {
  const written = (lines: readonly string[], body: Buffer) =>
    Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]);
  const whole = written(head, bytes);
  switch (random.integer(0, 19)) {
    case 0:
      return { bytes: whole.subarray(0, random.integer(1, whole.length - 1)), isWhole: false, name };
    case 1:
      return { bytes: written([...head, "Content-Length: 100000"], bytes), isWhole: false, name };
    case 2:
      return { bytes: written([...head, "Transfer-Encoding: chunked"], Buffer.from("5\r\nhello\r\nzz\r\n")), isWhole: false, name }; // prettier-ignore
    case 3:
      return { bytes: written([...head, `X-Endless: ${"x".repeat(20_000)}`], bytes), isWhole: false, name };
    case 4:
      if (bytes.length === 0) return { bytes: whole, isWhole: true, name };
      return { bytes: written(chunkedHead(head), inChunks(random, bytes)), isWhole: true, name };
    case 5:
      return { bytes: Buffer.from(`\u0000${whole.toString("latin1")}`, "latin1"), isWhole: false, name };
    default:
      return { bytes: whole, isWhole: true, name };
  }
}

function chunkedHead(head: readonly string[]): string[] {
  return [...head.filter((line) => !line.startsWith("Content-Length:")), "Transfer-Encoding: chunked"];
}

function inChunks(random: Random, bytes: Buffer): Buffer {
  const at = random.integer(1, bytes.length);
  const chunk = (part: Buffer) =>
    part.length === 0
      ? part
      : Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n")]);
  return Buffer.concat([chunk(bytes.subarray(0, at)), chunk(bytes.subarray(at)), Buffer.from("0\r\n\r\n")]);
}

function valid(random: Random, { id }: Tenant): { method: string; path: string; body?: object } {
  const channel = random.pick(["room", "private-room", "presence-room", "cache-room", "#server-to-user-1"]);
  const of = `/apps/${id}`;
  const event = { name: "news", channel, data: '{"a":1}', socket_id: "1.1" };
  switch (random.integer(0, 8)) {
    case 0:
      return { method: "GET", path: `${of}/channels` };
    case 1:
      return { method: "GET", path: `${of}/channels/${encodeURIComponent(channel)}` };
    case 2:
      return { method: "GET", path: `${of}/channels/${encodeURIComponent(channel)}/users` };
    case 3:
      return {
        method: "GET",
        path: random.pick(["/", "/ready", "/accept-traffic", "/nothing", "/app/", "/apps"]),
      };
    case 4:
      return { method: "POST", path: `${of}/users/${random.integer(1, 3)}/terminate_connections`, body: {} };
    case 5:
    case 6:
      return {
        method: "POST",
        path: `${of}/batch_events`,
        body: { batch: [event, { ...event, name: "more" }] },
      };
    default:
      return { method: "POST", path: `${of}/events`, body: random.chance(0.5) ? event : { ...event, channels: [channel, "two"] } }; // prettier-ignore
  }
}

function strangePath(random: Random, { id }: Tenant): string {
  const encoding = random.pick(ENCODINGS);
  return random.pick([
    `/apps/${id}/channels/${encoding}`,
    `/apps/${id}/channels/presence-${encoding}/users`,
    `/apps/${id}/users/${encoding}/terminate_connections`,
    `/apps/${encoding}/events`,
    `/apps/${encoding}/channels`,
    `/apps/${"i".repeat(2_100)}/events`,
    `/apps/${"i".repeat(2_100)}/channels`,
    "/apps//channels",
    "/apps/__proto__/channels",
    `/apps/${id}/users/__proto__/terminate_connections`,
    "//",
    "/apps/../apps",
  ]);
}

/** Most often rightly signed. */
function query(random: Random, { key, secret }: Tenant, method: string, path: string, body: string): string {
  const params: Record<string, string> = {
    auth_key: key,
    auth_timestamp: String(Math.floor(Date.now() / 1_000)),
    auth_version: "1.0",
  };
  if (method === "POST") params.body_md5 = createHash("md5").update(body).digest("hex");
  const sorted = Object.keys(params)
    .sort()
    .map((name) => `${name}=${params[name] ?? ""}`)
    .join("&");
  const signature = createHmac("sha256", secret).update([method, path, sorted].join("\n")).digest("hex");
  switch (random.integer(0, 11)) {
    case 0:
      return "";
    case 1:
      return `${sorted}&auth_signature=${"0".repeat(64)}`;
    case 2:
      return `auth_key&auth_key=&=&&%&auth_signature=${signature}&auth_signature=`;
    case 3:
      return `${sorted}&auth_signature=${signature}&__proto__=1&filter_by_prefix=${random.pick(ENCODINGS)}&info=x`;
    case 4:
      return `${sorted}&auth_signature=${random.pick(ENCODINGS)}&${random.pick(ENCODINGS)}=${random.pick(ENCODINGS)}`;
    default:
      return `${sorted}&auth_signature=${signature}`;
  }
}
