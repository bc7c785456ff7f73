import { isDeepStrictEqual } from "node:util";

/** soketi's object for its App, and the maps in it. */
export type Raw = Readonly<Record<string, unknown>>;

export const isMap = (value: unknown): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);

/** Whether soketi takes it as said: not for null and the empty text. */
export const isSaid = (value: unknown): boolean => value !== undefined && value !== null && value !== "";

/** The SDK's class for a set. */
export const isSet = (value: unknown): value is { readonly values: readonly unknown[] } =>
  isMap(value) && value.wrapperName === "Set";

/** Text that the bytes are in UTF-8; undefined when they are not. */
export function utf8(bytes: Buffer): string | undefined {
  const text = bytes.toString("utf8");
  return isDeepStrictEqual(Buffer.from(text), bytes) ? text : undefined;
}

export const without = (object: Raw, ...names: readonly string[]): Raw =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

/** Own fields only, even one named `__proto__`. */
export const withField = (object: Raw, name: string, value: unknown): Raw =>
  Object.fromEntries([...Object.entries(object).filter(([other]) => other !== name), [name, value]]);

/** The same data with each value that `change` gives another for. */
export function mapDeep(value: unknown, change: (value: unknown) => unknown): unknown {
  const changed = change(value);
  if (changed !== value) return changed;
  if (Array.isArray(value)) return value.map((part) => mapDeep(part, change));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mapDeep(part, change)]));
}

/** Levels of lists and maps. */
export function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
