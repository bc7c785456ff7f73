type Method = (...args: never[]) => unknown;

/**
 * Puts something around a method of one object, whose other instances stay as they are. A method that this soketi does
 * not have is left out: nothing calls it.
 */
export function wrap<O, K extends keyof O>(
  owner: O,
  name: K,
  around: (original: NonNullable<O[K]>) => NonNullable<O[K]>,
): void {
  const method = owner[name];
  if (typeof method !== "function") return;
  owner[name] = around((method as unknown as Method).bind(owner) as NonNullable<O[K]>);
}
