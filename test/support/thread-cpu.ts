import { openSync, readSync } from "node:fs";

/**
 * What the thread that asks has used of a processor, in milliseconds since a time of its own; undefined where the system does
 * not say it. Only Linux does: the first number of `schedstat`, in nanoseconds. It is one read, so that it can be asked for in
 * each turn of the event loop. (docs.kernel.org/scheduler/sched-stats.html)
 */
export function threadCpu(): () => number | undefined {
  if (process.platform !== "linux") return () => undefined;
  const file = openSync("/proc/thread-self/schedstat", "r");
  const buffer = Buffer.alloc(64);
  return () => {
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return Number(buffer.toString("latin1", 0, length).split(" ", 1)[0]) / 1e6;
  };
}
