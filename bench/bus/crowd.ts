import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Order, Report } from "./subscribers.ts";
import type { WayName } from "./ways.ts";

/** Subscribers of all ways, spread over a few processes. */
export interface Crowd {
  start(way: WayName, count: number): Promise<void>;
  /** The others fall silent. */
  activate(way: WayName): void;
  /** When the last subscriber has heard of number n, in nanoseconds on the machine's monotonic clock. Ask before publishing. */
  lastHeard(way: WayName, n: number): Promise<bigint>;
  /** How many subscribers have heard of a number that each is told of. */
  heardBy(way: WayName, n: number): number;
  stop(): void;
}

const script = fileURLToPath(new URL("subscribers.ts", import.meta.url));

export function createCrowd(port: number, processes: number): Crowd {
  const children = Array.from({ length: processes }, () =>
    fork(script, { execArgv: ["--import", "tsx"], stdio: ["ignore", "inherit", "inherit", "ipc"] }),
  );
  let inUse: ChildProcess[] = [];
  const reports = new Map<string, bigint[]>();
  const waiting = new Map<string, { of: number; resolve: (at: bigint) => void }>();
  for (const child of children) {
    child.on("message", (report: Report) => {
      if (report.is !== "heard") return;
      const key = `${report.way}/${report.n}`;
      const all = [...(reports.get(key) ?? []), BigInt(report.at)];
      reports.set(key, all);
      const wanted = waiting.get(key);
      if (wanted?.of !== all.length) return;
      waiting.delete(key);
      wanted.resolve(all.reduce((a, b) => (a > b ? a : b)));
    });
  }
  const order = (child: ChildProcess, what: Order) => child.send(what);

  return {
    async start(way, count) {
      inUse = children.slice(0, Math.min(processes, count));
      await Promise.all(
        inUse.map((child, i) => {
          const share = Math.floor(count / inUse.length) + (i < count % inUse.length ? 1 : 0);
          const started = new Promise<void>((resolve) => {
            const listen = (report: Report) => {
              if (report.is !== "started") return;
              child.off("message", listen);
              resolve();
            };
            child.on("message", listen);
          });
          order(child, { do: "start", way, port, count: share });
          return started;
        }),
      );
    },
    activate(way) {
      for (const child of inUse) order(child, { do: "activate", way });
    },
    lastHeard(way, n) {
      return new Promise((resolve) => {
        waiting.set(`${way}/${n}`, { of: inUse.length, resolve });
      });
    },
    heardBy: (way, n) => reports.get(`${way}/${n}`)?.length ?? 0,
    stop() {
      for (const child of children) child.disconnect();
    },
  };
}
