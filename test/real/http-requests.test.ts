import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { RawConnection } from "../chaos/clients/raw-connection.ts";
import { accepts, eventually, type Fleet, item, startFleet } from "../support/fleet.ts";
import { writeSoketiConfig } from "../support/soketi-config.ts";

const EVENT = '{"name":"news","channel":"room","data":"1"}';

/** A request's packets. Length: of the body, unless something else is said. */
function post(path: string, body = EVENT, length = `Content-Length: ${Buffer.byteLength(body)}`): string {
  return `${[`POST ${path} HTTP/1.1`, "Host: x", length, "X-More: 1"].join("\r\n")}\r\n\r\n${body}`;
}
const get = (path: string, header = "X-More: 1") => `GET ${path} HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`;
const chunked = (path: string, ...pieces: readonly string[]) =>
  post(
    path,
    [...pieces, ""].map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join(""),
    "Transfer-Encoding: chunked",
  );

/** No text in UTF-8, or no encoding at all. */
const BAD_ENCODINGS = ["%", "%f", "%zz", "%00", "%ff%fe", "%c0%ae", "%ed%a0%80", "%E0%A4%A", "\u00ff\u00fe"];
const LONG = "i".repeat(3_000);
/** soketi's parser of queries takes a minute for it. */
const SLOW = "%ff".repeat(1_200);

const REQUESTS: readonly (readonly [string, string])[] = [
  ...[...BAD_ENCODINGS, LONG, "__proto__", "%2e%2e"].flatMap((id): (readonly [string, string])[] => [
    [`an event for the app ${id.slice(0, 20)}`, post(`/apps/${id}/events`)],
    [`a batch for the app ${id.slice(0, 20)}`, post(`/apps/${id}/batch_events`, `{"batch":[${EVENT}]}`)],
    [`channels of the app ${id.slice(0, 20)}`, get(`/apps/${id}/channels`)],
    [`the user ${id.slice(0, 20)}`, post(`/apps/a/users/${id}/terminate_connections`, "{}")],
    [`the channel ${id.slice(0, 20)}`, get(`/apps/a/channels/${id}`)],
    [`the query ${id.slice(0, 20)}`, get(`/apps/a/channels?auth_signature=${id}&${id}=${id}`)],
    [`an event with the query ${id.slice(0, 20)}`, post(`/apps/a/events?auth_signature=${id}&${id}`)],
  ]),
  ["channels with a slow query", get(`/apps/a/channels?${SLOW}`)],
  ["a channel with a slow query", get(`/apps/a/channels/room?a=${SLOW}`)],
  ["users with a slow query", get(`/apps/a/channels/presence-room/users?${SLOW}=1`)],
  ["an event with a slow query", post(`/apps/a/events?a=${SLOW}`)],
  ["a batch with a slow query", post(`/apps/a/batch_events?a=${SLOW}`)],
  ["a user with a slow query", post(`/apps/a/users/ann/terminate_connections?a=${SLOW}`, "{}")],
  ["a slow id", get(`/apps/${SLOW}/channels`)],
  ["a slow channel", get(`/apps/a/channels/${SLOW}`)],
  ["a query of very many fields", get(`/apps/a/channels?${"a&".repeat(1_500)}`)],
  ["a header that is no text", get("/apps/a/channels", "Origin: \u00ff%ff")],
  ["an event without a body", post("/apps/%ff%fe/events", "")],
  ["an event whose length is 00", post("/apps/%ff%fe/events", "", "Content-Length: 00")],
  ["an event whose length is written with blanks", post("/apps/a/events", "", "Content-Length:   0  ")],
  ["an event that has no length", post("/apps/%ff%fe/events", "", "X-Length: none")],
  ["an event in chunks", chunked("/apps/%ff%fe/events", EVENT.slice(0, 9), EVENT.slice(9))],
  ["an event in no chunks", chunked("/apps/a/events")],
  ["an event that waits to be asked for", post("/apps/a/events", EVENT).replace("X-More: 1", "Expect: 100-continue")], // prettier-ignore
  ["several requests at once", post("/apps/%ff%fe/events").repeat(3)],
  ["a method that there is not", post("/apps/%ff%fe/events").replace("POST", "PUT")],
];

/** What the node answers to a request that comes in two packets. */
async function answerTo({ port, url }: SoketiNode, request: string, at: number): Promise<string> {
  const connection = new RawConnection(port);
  connection.send(Buffer.from(request.slice(0, at), "latin1"));
  // Sent later: when it is answered, the node has read the first packet.
  await (await fetch(`${url}/ready`)).text();
  connection.send(Buffer.from(request.slice(at), "latin1"));
  // Not the "100 Continue" before it.
  const answer = /HTTP\/1\.1 (?<status>[2-5]\d\d)/;
  await connection.until(answer);
  connection.reset();
  return answer.exec(connection.received)?.groups?.status ?? connection.end;
}

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  await fleet.table.put(item("a"));
});

afterAll(async () => {
  await fleet.stop();
});

describe.each(["local", "cluster", "redis"])("a request of anybody, with the adapter %s", (adapter) => {
  let node: SoketiNode;

  beforeAll(async () => {
    const { hostname, port } = new URL(inject("redisUrl"));
    const env = {
      SOKETI_ADAPTER_DRIVER: adapter,
      SOKETI_CLUSTER_UNICAST_ADDRESSES: "127.0.0.1",
      SOKETI_DB_REDIS_HOST: hostname,
      SOKETI_DB_REDIS_PORT: port,
    };
    node = await fleet.node({ env });
    await eventually("the app", () => accepts(node, "a", "a-secret"));
  });

  it.each(REQUESTS)("is answered with an error of the client's: %s", async (_, request) => {
    const body = request.indexOf("\r\n\r\n") + 4;
    // uWebSockets.js closes connections whose head is longer than 4 kB and comes in pieces.
    const cuts = body > 4_000 ? [body] : [5, body - 6, body - 2, body];
    const statuses = await Promise.all(cuts.map((at) => answerTo(node, request, at)));
    expect(statuses.map((status) => status.replace(/^4\d\d$/, "4xx"))).toEqual(cuts.map(() => "4xx"));
  });
});

it("a query that soketi takes a minute for holds up nobody, wherever it comes", async () => {
  const node = await fleet.node();
  await eventually("the app", () => accepts(node, "a", "a-secret"));
  const { port, metricsPort, url } = node;
  const upgrade = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13`;
  const asked: readonly (readonly [string, number, string])[] = [
    ["400", port, get(`/apps/a/channels?a=${SLOW}`)],
    ["400", port, post(`/apps/a/events?a=${SLOW}`)],
    ["400", metricsPort, get(`/metrics?${SLOW}`)],
    ["101", port, get(`/app/a-key?${SLOW}`, upgrade)],
    ["101", port, get(`/app/${SLOW}`, upgrade)],
    ["200", port, get(`/?${SLOW}`)],
    ["200", metricsPort, get("/metrics")],
    ["200", metricsPort, get("/metrics?json=1&%e4%bd%a0=+")],
    ["401", port, get("/apps/a/channels")],
    ["404", port, get(`/${SLOW}?${SLOW.slice(0, 300)}`)],
  ];
  const begun = performance.now();
  for (const [status, to, request] of asked) {
    const connection = new RawConnection(to);
    connection.send(Buffer.from(request));
    await connection.until(/HTTP\/1\.1 \d/);
    expect(connection.received.slice(0, 12), request.slice(0, 20)).toBe(`HTTP/1.1 ${status}`);
    connection.reset();
  }
  expect((await fetch(`${url}/ready`)).status).toBe(200);
  expect(performance.now() - begun).toBeLessThan(20_000);
});

it("bodies of strangers that take soketi seconds to parse hold up nobody", async () => {
  const node = await fleet.node();
  await eventually("the app", () => accepts(node, "a", "a-secret"));
  const body = `[${"{},".repeat(17_000_000)}{}]`;
  const ask = async (path: string) => (await fetch(`${node.url}${path}`, { method: "POST", body })).status;
  const state = { isOver: false };
  const asked = Promise.all(["/apps/a/events", "/apps/a/batch_events?a=b", "/apps/nobody/events"].map(ask));
  void asked.finally(() => (state.isOver = true));
  const waits: number[] = [];
  do {
    const begun = performance.now();
    expect(await accepts(node, "a", "a-secret")).toBe(true);
    waits.push(performance.now() - begun);
  } while (!state.isOver);
  for (const status of await asked) expect([401, 404, 503]).toContain(status);
  expect(Math.max(...waits)).toBeLessThan(5_000);
  expect(await accepts(node, "a", "a-secret")).toBe(true);
});

/** Of the node's process. */
async function residentBytes({ metricsPort }: SoketiNode): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return Number(/^soketi_process_resident_memory_bytes\S* (?<bytes>\d\S*)$/m.exec(text)?.groups?.bytes);
}

it("a body in pieces of one byte takes no more than its size, and holds up nobody", async () => {
  const node = await fleet.node();
  await eventually("the app", () => accepts(node, "a", "a-secret"));
  const before = await residentBytes(node);
  const connection = new RawConnection(node.port);
  const [head = ""] = post("/apps/a/events", "", "Transfer-Encoding: chunked").split("\r\n\r\n");
  connection.send(Buffer.from(`${head}\r\n\r\n`));
  const seen: number[] = [];
  for (let packet = 0; packet < 10; packet += 1) {
    connection.send(Buffer.from("1\r\nx\r\n".repeat(50_000)));
    expect(await accepts(node, "a", "a-secret")).toBe(true);
    seen.push(await residentBytes(node));
  }
  connection.send(Buffer.from("0\r\n\r\n"));
  await connection.until(/HTTP\/1\.1 \d/);
  seen.push(await residentBytes(node));
  expect(connection.received).toMatch(/^HTTP\/1\.1 401/);
  connection.reset();
  // Kept one by one, the pieces come to 200 MB.
  expect(Math.max(...seen) - before).toBeLessThan(60_000_000);
});

it("a body over the limit is answered, however much of it there is", async () => {
  const { args } = writeSoketiConfig({ "httpApi.requestLimitInMb": 1 });
  const node = await fleet.node({ args });
  const statuses: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    const body = "x".repeat(20_000_000);
    const { status } = await fetch(`${node.url}/apps/a/events`, { method: "POST", body });
    statuses.push(status);
  }
  expect(statuses).toEqual([413, 413, 413, 413, 413]);
});
