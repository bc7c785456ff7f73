import { useEffect, useState } from "preact/hooks";
import type { Connection } from "./connection.ts";
import type { Freshness } from "./verdict.ts";

/** How old what is shown is: it goes on while nothing comes. */
export function useFreshness({ state, connected, receivedAt }: Connection): Freshness {
  const [now, setNow] = useState(receivedAt);
  useEffect(() => {
    if (connected) return undefined;
    const timer = setInterval(() => setNow(performance.now()), 1_000);
    return () => clearInterval(timer);
  }, [connected]);
  if (state?.askedAt === undefined || state.askedAt === null) return { connected, ageMs: null };
  const sinceReceived = connected ? 0 : Math.max(0, now - receivedAt);
  return { connected, ageMs: state.now - state.askedAt + sinceReceived };
}
