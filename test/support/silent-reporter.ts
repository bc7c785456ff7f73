/** Of the pipeline: tells nobody. */
export const silentReporter = {
  itemProblems: () => undefined,
  unreadableRecord: () => undefined,
  notRefreshed: () => undefined,
  batchStarted: () => undefined,
  published: () => undefined,
  publishFailed: (error: unknown) => {
    throw error;
  },
};
