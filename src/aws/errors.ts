/** Thrown when an item is not as its writer thought. Nothing was written. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
  readonly code = "E_CONFLICT";
}

/** Thrown when DynamoDB leaves out items of a read again and again. */
export class ThrottledError extends Error {
  override readonly name = "ThrottledError";
  readonly code = "E_THROTTLED";
}

/** Thrown when a table's stream is needed, and switched off. */
export class NoStreamError extends Error {
  override readonly name = "NoStreamError";
  readonly code = "E_NO_STREAM";
}
