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

/** Thrown when apps have a new secret that could not be kept where it was to be: the table has it, and the change is announced. */
export class SecretNotKeptError extends Error {
  override readonly name = "SecretNotKeptError";
  readonly code = "E_SECRET_NOT_KEPT";
}

/** Thrown when a change is refused before it is written: the app does not exist, or nodes would not read it as intended. */
export class RefusedChangeError extends Error {
  override readonly name = "RefusedChangeError";
  readonly code = "E_CHANGE_REFUSED";
}
