/** What other programs import: `import { follow, openApps, normalize } from "soketi-app-sync"`. docs/library.md */
export { follow, type FollowEvents, type Follower, type FollowOptions } from "./follow.ts";
export { type Apps, type AppsOptions, openApps } from "./apps.ts";
export { normalize, type Normalized, type Problem } from "../app/normalize.ts";
export type { App, Limits, Webhook, WebhookEventType } from "../app/app.ts";
export { type PublicApp, toPublicView } from "../app/public-view.ts";
export type { Change, ChangeType } from "../protocol/message.ts";
export { ConfigError } from "../config/env.ts";
