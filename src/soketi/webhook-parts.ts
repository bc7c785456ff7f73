import type { WebhookDropReason } from "../agent/webhook-drop-reasons.ts";
import { isMap } from "./json.ts";
import type { SoketiJob } from "./server.ts";

/** soketi's side of its webhooks, as read off 1.4.0 to 1.6.1, which are the same here. */

/** Of a job that soketi queued. */
export interface WebhookData {
  readonly appId: string;
  readonly payload: {
    readonly time_ms: number;
    readonly events: readonly { readonly name: string; readonly channel: string }[];
  };
}

/** soketi's worker: looks the app up by the job's key, at once, and calls `done` when all its webhooks were tried. */
export type SoketiWorker = (job: SoketiJob, done: () => void) => unknown;

/** What happens to webhooks. Nothing in it holds a secret, a URL or a payload. */
export interface WebhookReporter {
  readonly webhookDropped: (reason: WebhookDropReason, appId: string) => void;
  readonly webhookRetried: (appId: string) => void;
  /** The queue itself, or soketi's worker, failed. */
  readonly webhooksFailed: (error: unknown) => void;
}

/** Undefined for what soketi's worker could not read: it would end the process. */
export function webhookData(data: unknown): WebhookData | undefined {
  if (!isMap(data) || typeof data.appId !== "string" || !isMap(data.payload)) return undefined;
  const { events, time_ms: time } = data.payload;
  if (typeof time !== "number" || !Array.isArray(events)) return undefined;
  const isEvent = (event: unknown) =>
    isMap(event) && typeof event.name === "string" && typeof event.channel === "string";
  return events.every(isEvent) ? (data as unknown as WebhookData) : undefined;
}
