import { formatMessageId } from "../protocol/message-id.ts";
import type { LocalControls } from "./local-controls.ts";
import type { Observer } from "./observer.ts";
import type { ConsoleState } from "./state.ts";

/** What a state is made of. */
export interface SnapshotSources {
  readonly table: string;
  readonly log: string;
  readonly observer: Observer;
  readonly watch: Pick<ConsoleState, "redisTrouble" | "tableTrouble" | "askedAt">;
  readonly controls?: LocalControls | undefined;
}

/** Changes that are shown: more than a screen. */
const SHOWN = 50;

/** What the page shows, as it is now. @param now milliseconds since 1970. */
export function snapshotOf(
  { table, log, observer, watch, controls }: SnapshotSources,
  now: number,
): ConsoleState {
  return {
    now,
    table,
    log,
    tail: observer.tail ? formatMessageId(observer.tail) : null,
    logState: observer.logState,
    redisTrouble: watch.redisTrouble,
    tableTrouble: watch.tableTrouble,
    askedAt: watch.askedAt,
    nodes: observer.nodes,
    clocks: observer.clocks,
    previousSecrets: observer.previousSecrets,
    canary: observer.canary,
    points: observer.series.points(now),
    changes: observer.changes.slice(0, SHOWN),
    local: controls?.nodes() ?? null,
  };
}
