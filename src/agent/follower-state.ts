/**
 * What the follower is doing.
 *
 *              subscribed               synced
 *     down ------------------> syncing ---------> following
 *      ^                        |  ^ |               | |
 *      |          lost          |  | | subscribed,   | |
 *      +------------------------+  | | gap           | |
 *      |                           | +-+             | |
 *      |                           +-----------------+ |
 *      |               lost          subscribed, gap   |
 *      +-----------------------------------------------+
 *
 * - `down`: no acknowledged subscription. Messages may be passing unseen.
 * - `syncing`: subscribed; reading what was missed. Live messages are acted on at once, and again in their turn.
 * - `following`: every message up to the cursor is applied, and live ones are applied as they come.
 */
export type FollowerState = "down" | "syncing" | "following";

/**
 * - `subscribed`: the subscription is acknowledged, also a new one.
 * - `lost`: the subscription is gone.
 * - `gap`: a message was missed, or something contradicts what is known.
 * - `synced`: what was missed is applied, or everything was flushed.
 */
export type FollowerEvent = "subscribed" | "lost" | "gap" | "synced";

/** Total: what each event leads to in each state. Without a subscription, only a subscription changes anything. */
export const TRANSITIONS: Readonly<Record<FollowerState, Readonly<Record<FollowerEvent, FollowerState>>>> = {
  down: { subscribed: "syncing", lost: "down", gap: "down", synced: "down" },
  syncing: { subscribed: "syncing", lost: "down", gap: "syncing", synced: "following" },
  following: { subscribed: "syncing", lost: "down", gap: "syncing", synced: "following" },
};
