/**
 * Deep equality of plain data: the order of names doesn't matter, that of elements does, and what is undefined is
 * absent. Own properties only: names may be `__proto__` or `constructor` in headers and client options.
 */
export function equal(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    return (
      Array.isArray(left) &&
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((element, i) => equal(element, right[i]))
    );
  }
  return unequalNames(left, right).length === 0;
}

/** The names under which two maps hold different things, those of the right one first. */
export function unequalNames(left: object, right: object): string[] {
  const names = Object.keys(right).filter((name) => !equal(valueAt(left, name), valueAt(right, name)));
  for (const name of Object.keys(left)) {
    if (!Object.hasOwn(right, name) && valueAt(left, name) !== undefined) names.push(name);
  }
  return names;
}

function valueAt(owner: object, name: string): unknown {
  return Object.hasOwn(owner, name) ? (owner as Readonly<Record<string, unknown>>)[name] : undefined;
}
