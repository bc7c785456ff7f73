import { isMap } from "../json.ts";

/** Whether soketi can count the channels of an event, for its rate limit. What is missing it refuses later, by itself. */
export function isEventBody(body: unknown): boolean {
  return isMap(body) && (!body.channels || Array.isArray(body.channels));
}

/** As `isEventBody`, for all events of a batch. */
export function isBatch(body: unknown): boolean {
  return isMap(body) && Array.isArray(body.batch) && body.batch.every(isEventBody);
}

/** Whether an event that soketi has found complete can be sent: it does not look at the types. */
export function isEvent(event: unknown): boolean {
  return (
    isMap(event) &&
    typeof event.name === "string" &&
    Array.isArray(event.channels) &&
    event.channels.every((channel) => typeof channel === "string")
  );
}
