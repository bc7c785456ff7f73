/** Thrown when the table could not be read, so that there is no telling whether an app exists. `cause` says why. */
export class TableError extends Error {
  override readonly name = "TableError";
  readonly code = "E_TABLE";

  constructor(what: string, table: string, cause: unknown) {
    const words = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super(`Could not read ${what} from table ${table}: ${words}`, { cause });
  }
}

/** `ready` rejects with it when the follower is closed before the log was reached for the first time. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";
  readonly code = "E_CLOSED";

  constructor() {
    super("Could not reach the log: it was closed before");
  }
}

/** `onError` is told it when a cached app differs from the table and no message said so. It was read again. */
export class StaleAppError extends Error {
  override readonly name = "StaleAppError";
  readonly code = "E_STALE_APP";

  constructor(appId: string) {
    super(`app ${appId} changed in the table without a message: it was read again`);
  }
}
