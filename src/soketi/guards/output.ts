import type { Guards } from "./guards.ts";

interface Output {
  on(event: "error", listener: (error: unknown) => void): unknown;
}

/**
 * Keeps the end of whoever reads the process's output from ending the process, or from keeping it busy for ever: an error
 * of such a stream that nobody listens to is an uncaught one, which soketi answers by writing to it again.
 */
export function guardOutput(guards: Guards, streams: readonly Output[]): void {
  for (const stream of streams) {
    stream.on("error", (error) => guards.caught("output", "the reader of the log has gone", error));
  }
}
