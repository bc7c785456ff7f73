import { useEffect, useState } from "preact/hooks";
import type { ConsoleState } from "../state.ts";

/** Between two tries. Milliseconds. */
const RETRY_MS = 2_000;

/** A state comes every second, whoever else is silent: longer silence is a lost connection. Milliseconds. */
const SILENCE_MS = 5_000;

export interface Connection {
  readonly state: ConsoleState | undefined;
  readonly connected: boolean;
  /** When the state came, on `performance.now()`. */
  readonly receivedAt: number;
}

/** The state as it comes, and whether the console can be reached. What is known last stays. */
export function useConsole(): Connection {
  const [connection, setConnection] = useState<Connection>({
    state: undefined,
    connected: true,
    receivedAt: 0,
  });
  useEffect(
    () =>
      listen(
        (state) => setConnection({ state, connected: true, receivedAt: performance.now() }),
        () => setConnection((last) => ({ ...last, connected: false })),
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
