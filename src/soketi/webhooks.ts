import type { SoketiAppManager, SoketiServer } from "./server.ts";

/**
 * Keeps a webhook of an app that is gone from ending the process. soketi's queue worker looks the app up by its key and
 * uses it without a check; the rejection that follows reaches its handler of uncaught errors, which shuts the server
 * down. Deleting an app while its connections close is enough, since that queues `channel_vacated`. (soketi 1.6.1,
 * dist/webhook-sender.js.)
 *
 * @param onDropped a webhook was not sent because its app key has no app any more.
 */
export function guardWebhooks(
  server: SoketiServer,
  manager: SoketiAppManager,
  onDropped: (appKey: string) => void,
): void {
  const setQueueManager = server.setQueueManager.bind(server);
  server.setQueueManager = (queues) => {
    const processQueue = queues.processQueue.bind(queues);
    queues.processQueue = (name, callback) =>
      processQueue(name, (job, done) => {
        const appKey = job.data?.appKey;
        if (appKey === undefined) {
          callback(job, done);
          return;
        }
        void manager.findByKey(appKey).then((app) => {
          if (app) {
            callback(job, done);
            return;
          }
          onDropped(appKey);
          done?.();
        });
      });
    return setQueueManager(queues);
  };
}
