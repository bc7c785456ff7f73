import { diff } from "../app/diff.ts";
import { toPublicView } from "../app/public-view.ts";
import type { Change } from "../protocol/message.ts";
import type { StreamChange } from "./decode.ts";

/**
 * What nodes must be told about one record; undefined when nothing that soketi reads has changed.
 *
 * @param late the record is read again out of its turn: what it says of the app may no longer be so.
 * @param withView whether the change shows the app as it is now. To make views that a bulk message leaves out costs a tenth of
 * all the work on a record.
 */
export function toChange(record: StreamChange, late = false, withView = true): Change | undefined {
  const { appId, before, after, writtenAt } = record;
  const difference = record.complete ? diff(before, after) : undefined;
  if (record.complete && !difference) return undefined;
  if (difference && !late) {
    const { type, keys, changed, app } = difference;
    const view = withView && app ? toPublicView(app) : undefined;
    return { appId, type, keys, key: app?.key, changed, app: view, writtenAt };
  }
  // Without its images, or late, a record says only that something changed. `updated` claims nothing more.
  return { appId, type: "updated", keys: unique([after?.key, before?.key]), changed: [], writtenAt };
}

/**
 * One change for each app, in the order of each app's last change: several writes to one app within a batch cost one
 * invalidation. Every key that any of them touched stays in, the current one first.
 *
 * An app that was deleted and created again is two: nodes forget what they keep of the former one.
 */
export function coalesce(changes: readonly Change[]): Change[] {
  const coalesced = new Set<Change>();
  const latest = new Map<string, Change>();
  for (const change of changes) {
    const earlier = latest.get(change.appId);
    const isAnother = earlier?.type === "deleted" && change.type === "created";
    const merged = earlier && !isAnother ? merge(earlier, change) : change;
    if (earlier && !isAnother) coalesced.delete(earlier);
    coalesced.add(merged);
    latest.set(change.appId, merged);
  }
  return [...coalesced];
}

function merge(earlier: Change, later: Change): Change {
  // The oldest write decides how late the message is.
  const writtenAt = earlier.writtenAt ?? later.writtenAt;
  return {
    type: later.type === "updated" && earlier.type === "created" ? "created" : later.type,
    appId: later.appId,
    keys: unique([...later.keys, ...earlier.keys]),
    key: later.key,
    changed: unique([...earlier.changed, ...later.changed]).sort(),
    writtenAt,
    app: later.app,
  };
}

function unique(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}
