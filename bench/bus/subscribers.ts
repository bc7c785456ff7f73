/** A process with many subscribers. Told to by `bench/bus/crowd.ts`, over IPC. */
import { type Subscriber, type WayName, WAYS } from "./ways.ts";

export type Order =
  | { readonly do: "start"; readonly way: WayName; readonly port: number; readonly count: number }
  | { readonly do: "activate"; readonly way: WayName };

export type Report =
  | { readonly is: "started" }
  /** The last subscriber of this process has heard. `at`: nanoseconds on the machine's monotonic clock. */
  | {
      readonly is: "heard";
      readonly way: WayName;
      readonly n: number;
      readonly at: string;
      readonly by: number;
    };

const subscribers = new Map<WayName, Subscriber[]>();
const counts = new Map<string, number>();

async function start(way: WayName, port: number, count: number): Promise<void> {
  const heard = (n: number) => {
    const key = `${way}/${n}`;
    const by = (counts.get(key) ?? 0) + 1;
    counts.set(key, by);
    const at = process.hrtime.bigint();
    if (by === count || n >= ALWAYS_TOLD) send({ is: "heard", way, n, at: at.toString(), by });
    if (by === count) counts.delete(key);
  };
  const made: Subscriber[] = [];
  for (let begun = 0; begun < count; begun += 50) {
    const batch = Array.from({ length: Math.min(50, count - begun) }, () => WAYS[way].subscribe(port, heard));
    made.push(...(await Promise.all(batch)));
  }
  subscribers.set(way, made);
  send({ is: "started" });
}

/** From this number on, each subscriber that has heard is told of, not only the last. */
export const ALWAYS_TOLD = 1_000_000_000;

function send(report: Report): void {
  process.send?.(report);
}

process.on("message", (order: Order) => {
  if (order.do === "start") void start(order.way, order.port, order.count);
  else for (const [way, all] of subscribers) for (const one of all) one.activate(way === order.way);
});
process.on("disconnect", () => {
  process.exit(0);
});
