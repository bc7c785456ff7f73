import type { SimulatedServer } from "./server.ts";

/**
 * What is in soketi's app cache never gets older: not by a function that was frozen, nor by a batch that came late. Each
 * server on its own, and as far as its data goes back: a failover may lose the newest.
 */
export class SharedCacheWatch {
  readonly #violated: (what: string) => void;

  constructor(violated: (what: string) => void) {
    this.#violated = violated;
  }

  ran(server: SimulatedServer, [entry = ""]: readonly string[], args: readonly string[]): void {
    const [appId = "", how, , doing] = args;
    if (how !== "record" || doing !== "set" || !entry.startsWith("app:") || args.length !== LENGTH) return;
    const shadow = `newest:${appId}:${entry}`;
    const { keys } = server;
    const newest = Number(keys.run("GET", [shadow], 0) ?? 0);
    const text = keys.run("GET", [entry], 0);
    const held = JSON.parse(typeof text === "string" ? text : "{}") as Held;
    // The key of one app may have passed on to another.
    if (held.id !== appId || held.maxConnections === undefined) return;
    const number = held.maxConnections;
    if (number < newest)
      this.#violated(`shared cache: version ${number} of ${appId} was written over version ${newest}`);
    keys.run("SET", [shadow, String(Math.max(newest, number))], 0);
  }
}

/** Arguments of the script for one entry. */
const LENGTH = 8;

interface Held {
  readonly id?: string;
  readonly maxConnections?: number;
}
