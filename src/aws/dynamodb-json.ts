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

/** DynamoDB takes no deeper ones. */
const MAX_DEPTH = 32;

/** Whether it is an attribute value as the AWS command line writes it, all the way down. */
export function isDynamoDbJson(json: unknown, depth = 0): boolean {
  if (typeof json !== "object" || json === null || depth > MAX_DEPTH) return false;
  const [entry, ...others] = Object.entries(json) as [string, unknown][];
  if (!entry || others.length > 0) return false;
  const [type, value] = entry;
  const isOne = Object.hasOwn(SCALARS, type) ? SCALARS[type] : undefined;
  if (isOne) return isOne(value);
  const ofSet =
    type.endsWith("S") && Object.hasOwn(SCALARS, type[0] ?? "") ? SCALARS[type[0] ?? ""] : undefined;
  if (ofSet) return type.length === 2 && Array.isArray(value) && value.length > 0 && value.every(ofSet);
  const isInside = (inner: unknown) => isDynamoDbJson(inner, depth + 1);
  if (type === "L") return Array.isArray(value) && value.every(isInside);
  return type === "M" && typeof value === "object" && value !== null && Object.values(value).every(isInside);
}

const SCALARS: Readonly<Record<string, (value: unknown) => boolean>> = {
  S: (value) => typeof value === "string",
  N: (value) => typeof value === "string" && /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value),
  B: (value) => typeof value === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(value),
  BOOL: (value) => typeof value === "boolean",
  NULL: (value) => value === true,
};

const base64 = (content: Uint8Array) => Buffer.from(content).toString("base64");
const bytes = (content: unknown) => new Uint8Array(Buffer.from(String(content), "base64"));

/** fromEntries defines properties, where an assignment to `__proto__` would change the prototype. */
function mapValues<T, R>(map: Readonly<Record<string, T>>, change: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));
}
