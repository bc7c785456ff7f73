/** Thrown when a command was not given what it needs: an option, an argument or a file is not as expected. Nothing was done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "E_USAGE";
}

/** Thrown when Ctrl-C has ended a command before it was done, also at a question. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  readonly code = "E_INTERRUPTED";
}

/** Thrown when a change is refused before it is written: the app is not there, or would not be as it is meant. */
export class RefusedChangeError extends Error {
  override readonly name = "RefusedChangeError";
  readonly code = "E_CHANGE_REFUSED";
}
