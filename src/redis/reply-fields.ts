/**
 * The fields of a reply that lists names and values in turn, or that ioredis has made a map of.
 * https://redis.io/docs/latest/commands/xinfo-stream/
 */
export function fieldsOf(reply: unknown): ReadonlyMap<string, unknown> {
  const entries: [unknown, unknown][] = Array.isArray(reply)
    ? Array.from({ length: Math.floor(reply.length / 2) }, (_, i) => [reply[2 * i], reply[2 * i + 1]])
    : reply instanceof Map
      ? [...reply.entries()]
      : Object.entries(reply ?? {});
  return new Map(entries.map(([name, value]) => [String(name), value]));
}

/** The same, of a reply whose values are text. */
export function textFieldsOf(reply: unknown): ReadonlyMap<string, string> {
  return new Map([...fieldsOf(reply)].map(([name, value]) => [name, String(value)]));
}
