import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { type SockudoNode, startSockudo } from "../../local/sockudo-node.ts";
import { normalize } from "../../src/app/normalize.ts";
import { SOCKUDO_FORMAT } from "../../src/pipeline/cache-format.ts";
import { item } from "../unit/app/differential/items.ts";
import { documentedConfig } from "./documented-config.ts";

const PREFIX = "readable";
const ITEMS = 4_000;
const CONCURRENCY = 50;

let node: SockudoNode;
let redis: Redis;

beforeAll(async () => {
  redis = new Redis(inject("redisUrl"));
  node = await startSockudo(documentedConfig(inject("redisUrl"), PREFIX));
});
afterAll(async () => {
  await node.stop();
  redis.disconnect();
});

/** Asks for an app by its id, and says whether sockudo could read it; whether it is enabled is no matter. */
async function isRead(id: string): Promise<boolean> {
  const { status } = await fetch(`${node.url}/up/${id}`);
  expect([200, 404, 503]).toContain(status);
  return status !== 404;
}

it(`of ${ITEMS} generated items sockudo reads every app that we write`, async () => {
  const texts = fc
    .sample(item, { numRuns: ITEMS, seed: 1_612 })
    .flatMap((attributes) => normalize(attributes).app ?? [])
    // Another id, so that each has its place; the key and all else as they are.
    .map((app, i) => [`app-${i}`, SOCKUDO_FORMAT.json({ ...app, id: `app-${i}` })] as const);
  expect(texts.length).toBeGreaterThan(ITEMS / 4);
  // What there is to see: enough apps with limits, webhooks of both kinds and headers.
  for (const part of ["max_event_payload_in_kb", '"url"', '"function_name"', '"headers"', "channel_prefix"])
    expect(texts.filter(([, text]) => text.includes(part)).length).toBeGreaterThan(20);
  await redis.mset(texts.flatMap(([id, text]) => [`${PREFIX}:app:id:${id}`, text]));
  const unread: string[] = [];
  for (let from = 0; from < texts.length; from += CONCURRENCY) {
    const some = texts.slice(from, from + CONCURRENCY);
    const read = await Promise.all(some.map(([id]) => isRead(id)));
    unread.push(...some.filter((_, i) => !read[i]).map(([, text]) => text));
  }
  expect(unread).toEqual([]);
});

it.each([
  ["a limit of -1", { policy: { limits: { max_connections: -1 } } }],
  ["half a kilobyte", { policy: { limits: { max_event_payload_in_kb: 0.5 } } }],
  ["2^32", { policy: { limits: { max_connections: 4_294_967_296 } } }],
  ["a webhook without event types", { policy: { webhooks: [{ url: "https://a.example" }] } }],
  [
    "a function without a region",
    { policy: { webhooks: [{ lambda: { function_name: "f" }, event_types: [] }] } },
  ],
  [
    "a header with a number",
    { policy: { webhooks: [{ url: "https://a.example", event_types: [], headers: { a: 1 } }] } },
  ],
])("without the shape, %s makes the whole app unreadable", async (what, wrong) => {
  const id = what.replace(/\W/g, "-");
  const right = { id, key: `${id}-key`, secret: "s", enabled: true };
  await redis.set(`${PREFIX}:app:id:${id}`, JSON.stringify({ ...right, ...wrong }));
  expect(await isRead(id)).toBe(false);
  await redis.set(`${PREFIX}:app:id:${id}`, JSON.stringify(right));
  expect(await isRead(id)).toBe(true);
});
