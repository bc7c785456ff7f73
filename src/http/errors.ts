/** Thrown when a port cannot be taken. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code = "E_LISTEN";
}
