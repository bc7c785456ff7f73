/** Thrown when this soketi lacks something that the agent needs; soketi is left as it was. */
export class MissingHooksError extends Error {
  override readonly name = "MissingHooksError";
  readonly code = "E_MISSING_HOOKS";

  constructor(missing: readonly string[]) {
    super(`expected soketi to have ${missing.join(", ")}; this version does not, so nothing was attached`);
  }
}

/** Thrown when soketi is too old to attach to, before anything of it is loaded. */
export class OldSoketiError extends Error {
  override readonly name = "OldSoketiError";
  readonly code = "E_OLD_SOKETI";
}

/** Thrown when a script belongs to a fork of soketi in which nothing is where soketi has it. */
export class UnrecognizedForkError extends Error {
  override readonly name = "UnrecognizedForkError";
  readonly code = "E_UNRECOGNIZED_FORK";

  /** @param fork its package's name. */
  constructor(fork: string) {
    super(
      `expected soketi, found the package "${fork}" with other modules: expected dist/server.js, dist/app.js and ` +
        "dist/log.js in it. If they are elsewhere, set APP_SYNC_SOKETI_ROOT to the folder that has dist/ in it.",
    );
  }
}

/** Thrown when soketi has its apps elsewhere than in DynamoDB, while `APP_SYNC_REQUIRED` is on. */
export class OtherAppManagerError extends Error {
  override readonly name = "OtherAppManagerError";
  readonly code = "E_OTHER_APP_MANAGER";

  constructor(driver: string) {
    super(
      `expected soketi's app manager to be "dynamodb", found "${driver}": set SOKETI_APP_MANAGER_DRIVER=dynamodb`,
    );
  }
}

/** Thrown by each heartbeat until there is a log: what is not known to be the pipeline's Redis proves nothing. */
export class NoLogError extends Error {
  override readonly name = "NoLogError";
  readonly code = "E_NO_LOG";

  /** @param redis which one that is, and what named it. */
  constructor(log: string, redis: string) {
    super(
      `expected the pipeline's log "${log}" in Redis ${redis}, found none, so no app is proven fresh. If another Redis is ` +
        "the pipeline's, set APP_SYNC_REDIS_URL to it. If it is this one and no app was ever changed, publish a first " +
        "message: soketi-app-sync flush.",
    );
  }
}
