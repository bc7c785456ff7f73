import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** Attribute values as the AWS command line writes them: bytes as base64. */
export function toDynamoDbJson(value: AttributeValue): unknown {
  if (value.B !== undefined) return { B: base64(value.B) };
  if (value.BS !== undefined) return { BS: value.BS.map(base64) };
  if (value.L !== undefined) return { L: value.L.map(toDynamoDbJson) };
  if (value.M !== undefined) return { M: mapValues(value.M, toDynamoDbJson) };
  return value;
}

/** The reverse, byte for byte. */
export function fromDynamoDbJson(json: unknown): AttributeValue {
  const value = json as AttributeValue;
  if (value.B !== undefined) return { B: bytes(value.B) };
  if (value.BS !== undefined) return { BS: value.BS.map(bytes) };
  if (value.L !== undefined) return { L: value.L.map(fromDynamoDbJson) };
  if (value.M !== undefined) return { M: mapValues(value.M, fromDynamoDbJson) };
  return value;
}

const base64 = (content: Uint8Array) => Buffer.from(content).toString("base64");
const bytes = (content: unknown) => new Uint8Array(Buffer.from(String(content), "base64"));

/** fromEntries defines properties, where an assignment to `__proto__` would change the prototype. */
function mapValues<T, R>(map: Readonly<Record<string, T>>, change: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));
}
