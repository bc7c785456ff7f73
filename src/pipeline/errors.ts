/** Thrown by a stream reader when records of the range are not in the stream any more: it keeps them for a day. */
export class RangeGoneError extends Error {
  override readonly name = "RangeGoneError";
  readonly code = "E_RANGE_GONE";
}

/** Thrown when a failed range is of another table's stream. It cannot be redriven here. */
export class ForeignRangeError extends Error {
  override readonly name = "ForeignRangeError";
  readonly code = "E_FOREIGN_RANGE";
}

/** Thrown when a failed range could not be published: the log says why. It can be tried again. */
export class RedriveError extends Error {
  override readonly name = "RedriveError";
  readonly code = "E_REDRIVE";
}

/** Thrown when the function would be stopped before its work is done. What is left is done the next time. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
  readonly code = "E_DEADLINE";
}

/** Thrown when an app changes faster than it can be written to the shared cache. It can be tried again. */
export class UnsettledAppError extends Error {
  override readonly name = "UnsettledAppError";
  readonly code = "E_APP_UNSETTLED";
}

/** Thrown when Redis is full, and apps are missing in the shared cache for that. It can be tried again. */
export class NoRoomError extends Error {
  override readonly name = "NoRoomError";
  readonly code = "E_NO_ROOM";

  /** @param missing how many there are, in words. */
  constructor(missing: string) {
    super(
      `expected Redis to have room for every app in the shared cache, found it full, and ${missing} missing there: ` +
        "raise maxmemory, or find out what fills it",
    );
  }
}
