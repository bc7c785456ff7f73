import { createRequire } from "node:module";
import { ioredis } from "../../src/redis/ioredis.ts";
import type { RedisLibrary } from "../../src/redis/library.ts";

const ofSoketi = createRequire(createRequire(import.meta.url).resolve("@soketi/soketi/package.json"));

/** Both versions of ioredis that the product runs with: the agent uses soketi's. */
export const REDIS_LIBRARIES: readonly (readonly [name: string, library: RedisLibrary])[] = [
  ["the pipeline's ioredis", ioredis],
  ["soketi's ioredis", ofSoketi("ioredis") as RedisLibrary],
];
