import type { SoketiWebhookSender } from "./server.ts";
import { wrap } from "./wrap.ts";

/**
 * Says once that a channel is empty, or a member gone. soketi counts who is left only after all that was closed in one go was
 * removed, and then each of them was the last: an app of 1,000 clients in one channel that is deleted would have 1,000
 * `channel_vacated` sent. (dist/adapters/local-adapter.js, `removeFromChannel`.)
 */
export function guardRepeats(sender: SoketiWebhookSender): void {
  const said = new Set<string>();
  const once = (what: string, send: () => void) => {
    if (said.has(what)) return;
    // The counts of one go are all there before the next callback of the event loop.
    if (said.size === 0) setImmediate(() => said.clear());
    said.add(what);
    send();
  };
  wrap(
    sender,
    "sendChannelVacated",
    (vacated) => (app, channel) => once(nameOf(app.id, channel), () => vacated(app, channel)),
  );
  wrap(sender, "sendChannelOccupied", (occupied) => (app, channel) => {
    said.delete(nameOf(app.id, channel));
    occupied(app, channel);
  });
  wrap(
    sender,
    "sendMemberRemoved",
    (removed) => (app, channel, userId) =>
      once(nameOf(app.id, channel, userId), () => removed(app, channel, userId)),
  );
  wrap(sender, "sendMemberAdded", (added) => (app, channel, userId) => {
    said.delete(nameOf(app.id, channel, userId));
    added(app, channel, userId);
  });
}

function nameOf(...parts: unknown[]): string {
  return JSON.stringify(parts);
}
