import type { Change } from "../protocol/message.ts";
import type { CanaryVerdict } from "../fleet/canary-verdict.ts";
import type { NodeView } from "../fleet/node-view.ts";
import type { FleetUse } from "../fleet/previous-secret-uses.ts";
import type { Point } from "./series.ts";

/** One change on its way from the table to the nodes. Times in milliseconds since 1970. */
export interface ChangeRow {
  /** Unique: the message's id and the place in it. */
  readonly id: string;
  readonly message: string;
  /** Absent for a flush, and where several apps are meant. */
  readonly appId?: string | undefined;
  readonly type: string;
  readonly changed: readonly string[];
  readonly app?: Change["app"] | undefined;
  /** Who has announced it; absent where the function tells of it. */
  readonly by?: string | undefined;
  /** Why all is forgotten; of what was announced, why it was done. */
  readonly reason?: string | undefined;
  /** When the table was written, as exact as the stream tells: the second on AWS, the minute in DynamoDB Local. */
  readonly writtenAt?: number | undefined;
  /** The same to the millisecond, for changes that this console has made. */
  readonly wroteAt?: number | undefined;
  /** When the function was invoked. */
  readonly at?: number | undefined;
  /** Of each node: milliseconds from the invocation to the drop; the longest, where there are several. */
  readonly drops: Readonly<Record<string, number>>;
  /** Of many changes that came at once: how many, of how many apps, and some of these. */
  readonly bulk?: { readonly changes: number; readonly apps: number; readonly named: readonly string[] };
}

/** A node of the local stack, with hands on it. */
export interface LocalNode {
  /** Of its process, also when that is gone. */
  readonly pid: number;
  /** As `npm start` calls it. */
  readonly name: string;
  /** Whether nothing passes between it and Redis. */
  readonly frozen: boolean;
  readonly state: "running" | "starting" | "ended";
}

/** A clock that differs from Redis' so much that what is measured by it is wrong. */
export interface ClockSkew {
  /** The function's, a node's, or that of the machine on which the console runs. */
  readonly of: "function" | "node" | "console";
  /** Its id in the registry; null unless it is a node's. */
  readonly node: string | null;
  /** At least so many milliseconds ahead; behind when it is less than 0. */
  readonly ms: number;
}

/** What the page shows, sent once a second at least. Times in milliseconds since 1970, by the console's clock. */
export interface ConsoleState {
  readonly now: number;
  readonly table: string;
  readonly log: string;
  /** Id of the log's last message; null while there is no log. */
  readonly tail: string | null;
  /** `gone`: there was a log, and somebody has deleted it. */
  readonly logState: "there" | "gone" | "none";
  /** Why nothing is known of the nodes now; null while Redis answers. */
  readonly redisTrouble: string | null;
  /** Why the table cannot be read; null while it can. */
  readonly tableTrouble: string | null;
  /** When all nodes had been asked last; null before. */
  readonly askedAt: number | null;
  readonly nodes: readonly NodeView[];
  /** Empty while all clocks agree. */
  readonly clocks: readonly ClockSkew[];
  /** Of apps whose previous secret was used, the latest use first. */
  readonly previousSecrets: readonly FleetUse[];
  /** What was measured last of how long a change takes; null where that is not looked at. */
  readonly canary: CanaryVerdict | null;
  readonly points: readonly Point[];
  /** The newest first. */
  readonly changes: readonly ChangeRow[];
  /** The nodes of the local stack, and that changes can be made; null elsewhere. */
  readonly local: readonly LocalNode[] | null;
}

/** One app as the page shows it: no secret in it. */
export interface AppRow {
  readonly id: string;
  readonly key: string | null;
  /** Null: the item cannot be an app. */
  readonly enabled: boolean | null;
  readonly maxConnections: number | null;
  readonly webhooks: number;
  readonly problems: readonly {
    readonly attribute: string;
    /** docs/reference/items.md */
    readonly code: string;
    readonly severity: string;
    readonly message: string;
  }[];
}

export interface AppsPage {
  readonly apps: readonly AppRow[];
  /** How many match, of how many. */
  readonly matching: number;
  readonly all: number;
  /** Apps of the table that were left out, because there are too many. */
  readonly truncated: boolean;
  readonly readAt: number;
}
