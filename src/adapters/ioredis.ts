/** The Redis library that the pipeline and the tools bring along. The agent takes soketi's instead. */
export { Cluster, Redis } from "ioredis";
