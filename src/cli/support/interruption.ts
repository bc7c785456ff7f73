import { EXIT } from "./exit-codes.ts";

/** Not SIGHUP: whoever listens to it takes away what `nohup` has set. */
const SIGNALS = [
  ["SIGINT", EXIT.interrupted],
  ["SIGTERM", EXIT.terminated],
] as const;

type InterruptionCode = (typeof SIGNALS)[number][1];

/** Work that ends in order when it is interrupted, by the signal that tells it to. */
const ordered = new Map<AbortSignal, AbortController>();
let endedWith: InterruptionCode = EXIT.interrupted;

/** The exit code after an interruption, by the signal that came; Ctrl-C's where none did, as at a question. */
export function interruptionCode(): InterruptionCode {
  return endedWith;
}

/** Aborts on Ctrl-C and SIGTERM, for work that is to end in order then. A second signal ends the process at once. */
export function interruption(): AbortSignal {
  const interrupted = new AbortController();
  listen();
  ordered.set(interrupted.signal, interrupted);
  return interrupted.signal;
}

/** The work is done, whatever comes after it: from now on Ctrl-C ends the process at once again. */
export function releaseInterruption(interrupted: AbortSignal): void {
  ordered.delete(interrupted);
}

/** What a signal does where no work has to end in order. */
let endAtOnce: (exitCode: number) => void = (exitCode) => process.exit(exitCode);
let isListening = false;

/** Calls `end` on Ctrl-C and SIGTERM where no work has to end in order. */
export function listenForInterruption(end: (exitCode: number) => void): void {
  endAtOnce = end;
  listen();
}

function listen(): void {
  if (isListening) return;
  isListening = true;
  for (const [signal, exitCode] of SIGNALS) {
    process.on(signal, () => {
      const pending = [...ordered.values()];
      if (pending.length > 0) endedWith = exitCode;
      ordered.clear();
      for (const one of pending) one.abort();
      // A progress bar gives the cursor back first.
      if (pending.length === 0) setImmediate(() => endAtOnce(exitCode));
    });
  }
}
