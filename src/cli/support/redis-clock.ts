import type { Fleet } from "../../redis/fleet.ts";
import type { Tools } from "./tools.ts";

/** Redis' clock, asked once, and gone on with by a clock that nobody sets. Milliseconds since 1970. Rejects with RedisError. */
export async function openClock(fleet: Pick<Fleet, "now">): Promise<() => number> {
  const offset = (await fleet.now()) - performance.now();
  return () => offset + performance.now();
}

/** For what nodes end by their clocks: this machine's may be off. Its own where Redis cannot be asked. Never rejects. */
export async function clockOf(tools: Pick<Tools, "config" | "fleet">): Promise<() => number> {
  if (!tools.config.redis) return Date.now;
  try {
    return await openClock(await tools.fleet());
  } catch {
    return Date.now;
  }
}
