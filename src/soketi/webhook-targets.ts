import type { SoketiAppObject, SoketiWebhook } from "./server.ts";
import type { WebhookData } from "./webhook-parts.ts";

type Event = WebhookData["payload"]["events"][number];

/** One webhook of an app, and what it gets of a job. */
export interface WebhookTarget {
  /** Where it goes: the app, and the URL or function. Several webhooks may go to one receiver. */
  readonly receiver: string;
  /** Tells it from the others of its receiver, also after its app was changed. */
  readonly id: string;
  readonly webhook: SoketiWebhook;
  /** At least one. */
  readonly events: readonly Event[];
}

/**
 * The webhooks of an app that want any of these events. soketi posts a batch whole to each of them, with what it does not
 * want: two webhooks of one receiver, for different types, would have it all twice. (dist/webhook-sender.js.)
 */
export function targetsOf(app: SoketiAppObject, events: readonly Event[]): WebhookTarget[] {
  const counts = new Map<string, number>();
  return (app.webhooks ?? []).flatMap((webhook) => {
    const receiver = JSON.stringify([app.id, webhook.url ?? webhook.lambda_function]);
    const count = counts.get(receiver) ?? 0;
    counts.set(receiver, count + 1);
    const wanted = events.filter((event) => wants(webhook, event));
    return wanted.length === 0 ? [] : [{ receiver, id: `${receiver} ${count}`, webhook, events: wanted }];
  });
}

/** The app as soketi's worker gets it: with this webhook alone. */
export function withWebhook(app: SoketiAppObject, webhook: SoketiWebhook): SoketiAppObject {
  return Object.create(app, { webhooks: { value: [webhook] } }) as SoketiAppObject;
}

/** As soketi's worker asks, which asks again. */
function wants({ event_types: types, filter }: SoketiWebhook, { name, channel }: Event): boolean {
  if (types && !types.includes(name)) return false;
  const { channel_name_starts_with: start, channel_name_ends_with: end } = filter ?? {};
  return (!start || channel.startsWith(start)) && (!end || channel.endsWith(end));
}
