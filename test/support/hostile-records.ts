import { image, insert, modify } from "../factories/stream-event.ts";
import type { Random } from "../simulation/random.ts";

/** Bad records that are made of good ones. Whatever must stay secret in them begins with this. */
export const SECRET = "SECRET";

/** Nested so deeply that a walk which recurses would fall off the stack. */
function deep(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = { S: "x" };
  for (let i = 0; i < levels; i += 1) value = wrap(value);
  return value;
}

/** What may stand where an attribute value is expected. */
export const HOSTILE: readonly ((random: Random) => unknown)[] = [
  () => undefined,
  () => null,
  () => [],
  () => ({}),
  () => "text",
  () => 7,
  () => Number.NaN,
  () => ({ S: 7 }),
  () => ({ S: "" }),
  () => ({ S: "\ud800" }),
  () => ({ S: "x".repeat(1_000_000) }),
  () => ({ N: "1e400" }),
  () => ({ N: "0x10" }),
  () => ({ N: "-0" }),
  () => ({ N: "9".repeat(400) }),
  () => ({ N: "NaN" }),
  () => ({ B: "%%%%" }),
  () => ({ B: "//79" }),
  () => ({ B: { type: "Buffer", data: [255, 300, -1] } }),
  () => ({ B: { 0: 116, 2: 101 } }),
  () => ({ B: { length: 1e9 } }),
  () => ({ BOOL: "false" }),
  () => ({ NULL: false }),
  () => ({ S: "a", N: "1" }),
  () => ({ SS: [1, null] }),
  () => ({ L: { length: 3 } }),
  () => ({ L: [{ M: JSON.parse('{"__proto__":{"S":"x"},"constructor":{"S":"x"}}') as unknown }] }),
  () => deep(10_000, (inner) => ({ L: [inner] })),
  () => deep(10_000, (inner) => ({ M: { url: inner } })),
  () => ({ S: "[".repeat(20_000) }),
  () => ({ S: `[${'{"url":"https://h.example.com"},'.repeat(2_000)}{}]` }),
  () => ({
    S: JSON.stringify([
      {
        url: `https://u:${SECRET}@h.example.com/${SECRET}?t=${SECRET}`,
        event_types: ["client_event"],
        headers: { Authorization: SECRET },
      },
    ]),
  }),
  () => ({ S: `[{"url":"${SECRET}` }),
  () => ({
    S: JSON.stringify([
      {
        lambda_function: "f",
        event_types: "client_event",
        lambda: { client_options: { secretAccessKey: SECRET } },
      },
    ]),
  }),
  () => ({ S: JSON.stringify([null, 1, "x", [], { url: "javascript:alert(1)", event_types: [null] }]) }),
  (random) => ({ S: String.fromCharCode(...Array.from({ length: 50 }, () => random.integer(0, 65_535))) }),
];

const NAMES = [
  "AppId",
  "AppKey",
  "Enabled",
  "EnableClientMessages",
  "MaxConnections",
  "MaxEventPayloadInKb",
  "Webhooks",
  "__proto__",
  "constructor",
  "toString",
  "Unknown",
];

function spoilAttribute(random: Random): [string, unknown] {
  const name = random.pick(NAMES);
  return [name, name === "AppId" || name === "AppKey" ? publicValue(random) : random.pick(HOSTILE)(random)];
}

/** Ids and keys are public: whoever writes a secret there has published it. */
function publicValue(random: Random): unknown {
  const value = random.pick(HOSTILE)(random);
  const text = (value as { S?: unknown } | null | undefined)?.S;
  return typeof text === "string" && text.includes(SECRET) ? null : value;
}

export function spoilImage(random: Random, item: object): unknown {
  if (random.chance(0.03)) return random.pick([null, [], "x", 7, undefined]);
  const spoiled: [string, unknown][] = Object.entries(item);
  for (let i = random.integer(1, 3); i > 0; i -= 1) spoiled.push(spoilAttribute(random));
  // A name twice: the last counts. `fromEntries` makes `__proto__` an own name.
  return Object.fromEntries(spoiled);
}

/** One of the ways in which a record can be wrong. */
export function spoilRecord(random: Random, id: string): unknown {
  const secret = { AppSecret: { S: `${SECRET}-${id}` } };
  const base = random.chance(0.5)
    ? insert(id, { item: secret })
    : modify(id, secret, { ...secret, MaxConnections: { N: "5" } });
  const { dynamodb } = base as { dynamodb: Record<string, unknown> };
  const parts: Record<string, unknown> = { ...dynamodb };
  for (const name of ["NewImage", "OldImage"])
    if (name in parts && random.chance(0.7)) parts[name] = spoilImage(random, image(id, secret));
  if (random.chance(0.1))
    parts.Keys = random.pick([
      undefined,
      null,
      {},
      [],
      { AppId: { N: "1" } },
      { AppId: publicValue(random) },
    ]);
  if (random.chance(0.1))
    parts.ApproximateCreationDateTime = random.pick([undefined, null, "yesterday", Infinity, -1, {}, 1e300]);
  const record: Record<string, unknown> = { ...base, dynamodb: parts };
  if (random.chance(0.05)) record.eventName = random.pick([undefined, "", "DROP", 7, null]);
  if (random.chance(0.03))
    return random.pick([null, undefined, 7, "x", [], {}, { dynamodb: null }, { dynamodb: [] }]);
  return record;
}
