/** Thrown by each heartbeat until there is a log: what is not known to be the pipeline's Redis proves nothing. */
export class NoLogError extends Error {
  override readonly name = "NoLogError";
  readonly code = "E_NO_LOG";

  /** @param redis which one that is, and what named it. */
  constructor(log: string, redis: string) {
    super(
      `expected the pipeline's log "${log}" in Redis ${redis}, found none, so no app is proven fresh. If another Redis is ` +
        "the pipeline's, set APP_SYNC_REDIS_URL to it. If this one is, and no app was ever changed, publish a first " +
        "message: soketi-app-sync flush.",
    );
  }
}

/** Thrown by a heartbeat that another server took than the one that the subscription is on: both are connected to anew. */
export class OtherServerError extends Error {
  override readonly name = "OtherServerError";
  readonly code = "E_OTHER_SERVER";

  constructor() {
    super(
      "expected heartbeats and messages to use one Redis server, found two: its address has moved, or resolves to " +
        "more than one. Both connections are opened again.",
    );
  }
}
