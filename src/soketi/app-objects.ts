import type { App, PreviousSecret } from "../app/app.ts";
import { toSoketi, type SoketiApp } from "../app/soketi-shape.ts";
import type { SoketiAppObject } from "./server.ts";

/**
 * Beside what soketi makes its App objects from, never in it: soketi would put it into its cache, and its objects go
 * wherever it likes. The app of a connection is made from the same object as the app that was looked up.
 */
const previousSecrets = new WeakMap<object, PreviousSecret>();

/** What soketi makes an App of. */
export function appAttributes(app: App): SoketiApp {
  const attributes = toSoketi(app);
  if (app.previousSecret) previousSecrets.set(attributes, app.previousSecret);
  return attributes;
}

/** Undefined also for an app that came out of soketi's own cache. */
export function previousSecretOf(app: SoketiAppObject): PreviousSecret | undefined {
  return previousSecrets.get(app.initialApp);
}
