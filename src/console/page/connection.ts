import { useEffect, useState } from "preact/hooks";
import type { ConsoleState } from "../state.ts";

/** Between two tries. Milliseconds. */
const RETRY_MS = 2_000;

/** A state comes every second, or every few when a node does not answer: longer silence is a lost connection. Milliseconds. */
const SILENCE_MS = 10_000;

export interface Connection {
  readonly state: ConsoleState | undefined;
  readonly connected: boolean;
}

/** The state as it comes, and whether the console can be reached. What is known last stays. */
export function useConsole(): Connection {
  const [connection, setConnection] = useState<Connection>({ state: undefined, connected: true });
  useEffect(
    () =>
      listen(
        (state) => setConnection({ state, connected: true }),
        () => setConnection(({ state }) => ({ state, connected: false })),
      ),
    [],
  );
  return connection;
}

/** @returns what ends it. */
function listen(onState: (state: ConsoleState) => void, onLost: () => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source?.close();
    source = new EventSource("/api/stream");
    source.onmessage = (event: MessageEvent<string>) => {
      later(lost, SILENCE_MS);
      onState(JSON.parse(event.data) as ConsoleState);
    };
    source.onerror = lost;
    later(lost, SILENCE_MS);
  };
  // The browser tries again by itself after some failures, but not after all, and knows nothing of silence.
  const lost = () => {
    source?.close();
    onLost();
    later(open, RETRY_MS);
  };
  const later = (what: () => void, ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(what, ms);
  };
  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}
