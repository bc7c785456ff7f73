/** What other programs import: `import { follow, openApps, normalize } from "soketi-app-sync"`. docs/library.md */
export { follow, type Follower, type FollowOptions } from "./follow.ts";
export type { FollowEvents } from "./events.ts";
export { announce, type AnnouncedChange, type AnnounceOptions } from "./announce.ts";
export { type Apps, type AppsOptions, openApps } from "./apps.ts";
export { ClosedError, StaleAppError, TableError } from "./errors.ts";
export { NoLogError } from "../agent/errors.ts";
export { normalize, type Normalized, type Problem } from "../app/normalize.ts";
export type { App, Limits, Webhook, WebhookEventType } from "../app/app.ts";
export { type PublicApp, toPublicView } from "../app/public-view.ts";
export type { FlushReason } from "../agent/flush-reasons.ts";
export type { CacheLimits } from "../agent/cache-options.ts";
export type { Change, ChangeType, Invalidation } from "../protocol/message.ts";
export { RedisError } from "../redis/errors.ts";
export type { RedisSettings } from "../config/redis.ts";
export { ConfigError } from "../config/errors.ts";
