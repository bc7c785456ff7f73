import { ClosedError } from "./errors.ts";

/** Whether the log was ever reached. */
export interface Readiness {
  /** Resolves when it was reached for the first time; rejects with ClosedError when that can no longer be. */
  readonly ready: Promise<void>;
  readonly reached: () => void;
  readonly closed: () => void;
}

/** The first of `reached` and `closed` decides; both may be called again. */
export function createReadiness(): Readiness {
  let reached: () => void = () => undefined;
  let closed: () => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    reached = resolve;
    closed = () => reject(new ClosedError());
  });
  // Nobody has to wait for it.
  ready.catch(() => undefined);
  return { ready, reached, closed };
}
