import type { GuardedServer } from "./soketi-parts.ts";

type Method = (...args: never[]) => unknown;

/**
 * Puts something around a method of one object, whose other instances stay as they are. A method that this soketi does
 * not have is left out: it needs no guard.
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

/** soketi makes its handlers when it starts, and announces them nowhere. */
export function whenMade<K extends "wsHandler" | "httpHandler">(
  server: GuardedServer,
  name: K,
  change: (handler: NonNullable<GuardedServer[K]>) => void,
): void {
  const before = Object.getOwnPropertyDescriptor(server, name);
  let handler = server[name];
  Object.defineProperty(server, name, {
    configurable: true,
    enumerable: true,
    get: () => handler,
    set(made: NonNullable<GuardedServer[K]>) {
      before?.set?.call(server, made);
      handler = made;
      change(made);
    },
  });
}
