import type { GuardedServer } from "./soketi-parts.ts";

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
