import { Cluster, Redis } from "ioredis";
import type { RedisLibrary } from "./library.ts";

/** The Redis library that the pipeline and the tools bring along. The agent takes soketi's instead. */
export const ioredis: RedisLibrary = { Cluster, Redis };
