import { EXIT } from "./exit-codes.ts";

/** Not SIGHUP: whoever listens to it takes away what `nohup` has set. */
const SIGNALS = [
  ["SIGINT", EXIT.interrupted],
  ["SIGTERM", EXIT.terminated],
] as const;

type InterruptionCode = (typeof SIGNALS)[number][1];

/** What goes on until it is ended, and is under way. */
const goingOn = new Map<AbortSignal, AbortController>();
let endedWith: InterruptionCode = EXIT.interrupted;

/** How to end what was interrupted: by the signal that did it. Ctrl-C's where none did, as at a question. */
export function interruptionCode(): InterruptionCode {
  return endedWith;
}

/** Aborts on Ctrl-C and SIGTERM: what goes on until then ends well. A second one ends it at once. */
export function interruption(): AbortSignal {
  const interrupted = new AbortController();
  listen();
  goingOn.set(interrupted.signal, interrupted);
  return interrupted.signal;
}

/** What went on is done, whatever comes after it: from now on Ctrl-C ends the process at once again. */
export function isDone(interrupted: AbortSignal): void {
  goingOn.delete(interrupted);
}

/** Nothing goes on until it is ended: what is under way is left. */
let endAtOnce: (exitCode: number) => void = (exitCode) => process.exit(exitCode);
let isListening = false;

/** Calls `end` on Ctrl-C where nothing goes on until then. */
export function listenForInterruption(end: (exitCode: number) => void): void {
  endAtOnce = end;
  listen();
}

function listen(): void {
  if (isListening) return;
  isListening = true;
  for (const [signal, exitCode] of SIGNALS) {
    process.on(signal, () => {
      const pending = [...goingOn.values()];
      if (pending.length > 0) endedWith = exitCode;
      goingOn.clear();
      for (const one of pending) one.abort();
      // A progress bar gives the cursor back first.
      if (pending.length === 0) setImmediate(() => endAtOnce(exitCode));
    });
  }
}
