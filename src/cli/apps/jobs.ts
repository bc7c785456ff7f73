import type { PlannedChange } from "./planned-change.ts";

/** What is to be done to one app. */
export interface Job {
  readonly appId: string;
  /** Undefined: nothing has to be done. @throws RefusedChangeError where it cannot be. */
  plan(): Promise<PlannedChange | undefined>;
}

/** Apps under way at a time: a table on demand takes that from its first minute. */
const CONCURRENCY = 16;

/** Runs jobs a few at a time, until one rejects or the signal is aborted; those under way are finished. */
export async function runConcurrently(
  jobs: Iterable<Job> | AsyncIterable<Job>,
  ended: AbortSignal,
  one: (job: Job) => Promise<void>,
): Promise<{ readonly error: unknown } | undefined> {
  const iterator = (async function* () {
    yield* jobs;
  })();
  let failure: { readonly error: unknown } | undefined;
  const take = async (): Promise<void> => {
    try {
      while (!ended.aborted && !failure) {
        const next = await iterator.next();
        if (next.done) return;
        await one(next.value);
      }
    } catch (error) {
      failure ??= { error };
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, take));
  return failure;
}
