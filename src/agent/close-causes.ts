/** What can have happened to the app of an open connection, that may end it. */
export const CLOSE_CAUSES = ["deleted", "disabled", "rekeyed", "secret-rotated"] as const;
export type CloseCause = (typeof CLOSE_CAUSES)[number];

/** Those that end it unless something else is set. A client that was let in with the old secret is still the same client. */
export const DEFAULT_CLOSE_ON: ReadonlySet<CloseCause> = new Set(["deleted", "disabled", "rekeyed"]);

/** Why a connection is closed: a cause, or because there are more than the app may have. */
export type CloseReason = CloseCause | "over-limit";

/** Pusher's protocol: 4000-4099 never to come back, 4100-4199 after a pause, 4200-4299 at once. */
export type CloseCodes = Readonly<Record<CloseReason, number>>;

/** soketi's own for a new connection of such an app, where it has one. */
export const DEFAULT_CLOSE_CODES: CloseCodes = {
  deleted: 4001,
  disabled: 4003,
  rekeyed: 4001,
  "secret-rotated": 4200,
  "over-limit": 4100,
};

/** soketi's words, where it has some. `key` is the one that the client connected with. */
export function closeMessage(reason: CloseReason, key: string): string {
  switch (reason) {
    case "deleted":
    case "rekeyed":
      return `App key ${key} does not exist.`;
    case "disabled":
      return "The app is not enabled.";
    case "secret-rotated":
      return "The app has a new secret. Please reconnect.";
    case "over-limit":
      return "The current concurrent connections quota has been reached.";
  }
}
