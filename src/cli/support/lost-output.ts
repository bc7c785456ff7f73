const closedPipe = new AbortController();
const failedOutput = new AbortController();

/** Aborts when nobody reads any more: for what only shows things. */
export function nobodyReads(): AbortSignal {
  return closedPipe.signal;
}

/** Aborts with the error when the output cannot be written, as on a full disk. A reader that has gone is no such failure. */
export function outputFailed(): AbortSignal {
  return failedOutput.signal;
}

/**
 * A reader that has read enough (`| head -2`) is no failure, and a disk that is full is one. In either case what is under way is
 * done to its end, as nodes may still have to be told of it, and says no more.
 */
export function bearLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") failedOutput.abort(error);
      closedPipe.abort();
    });
  }
}
