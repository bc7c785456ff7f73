import type { App } from "../app/app.ts";
import { type Problem, reportTo } from "../app/problems.ts";
import { toSoketi } from "../app/soketi-shape.ts";
import { toSockudo } from "../app/sockudo-shape.ts";

/** How servers keep their apps in Redis: under which names, without the prefix of their fleet, and as what. */
export interface CacheFormat {
  /** What people call the servers. */
  readonly server: "soketi" | "sockudo";
  /** Whether they read the table for an app that has no entry. To those that do not, such an app is unknown. */
  readonly readsTable: boolean;
  /** The entry that a lookup by an app's id reads. */
  idName(appId: string): string;
  /** The entry that a lookup by a key reads. */
  keyName(key: string): string;
  json(app: App): string;
  /** Whether a server would take what JSON says for an app, whatever is missing in it. */
  isServed(value: unknown): boolean;
  /** What it has no word for; none where that is nothing. */
  problemsOf?(app: App): readonly Problem[];
}

/** dist/app-managers/app-manager.js of soketi: both under one kind of name. */
export const SOKETI_FORMAT: CacheFormat = {
  server: "soketi",
  readsTable: true,
  idName: (appId) => appId,
  keyName: (key) => key,
  json: (app) => JSON.stringify(toSoketi(app)),
  // `new App(5)` is one with the id "app-id" and the secret "app-secret"; only null has soketi fail (dist/app.js).
  isServed: (value) => value !== null,
};

/** crates/sockudo-app/src/cached_app_manager.rs of sockudo. */
export const SOCKUDO_FORMAT: CacheFormat = {
  server: "sockudo",
  readsTable: false,
  idName: (appId) => `id:${appId}`,
  keyName: (key) => `key:${key}`,
  json: (app) => JSON.stringify(toSockudo(app)),
  // serde reads a struct from a list as well.
  isServed: (value) => typeof value === "object" && value !== null,
  problemsOf(app) {
    const problems: Problem[] = [];
    toSockudo(app, reportTo(problems));
    return problems;
  },
};
