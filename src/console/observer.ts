import type { LogEntry } from "../protocol/live.ts";
import type { RegisteredNode } from "../protocol/node.ts";
import type { Fleet } from "../redis/fleet.ts";
import { rowsOf } from "../fleet/log-rows.ts";
import { plausibleLag } from "../protocol/plausible-lag.ts";
import { compareMessageIds, type MessageId } from "../protocol/message-id.ts";
import { type NodeView, viewOf } from "../fleet/node-view.ts";
import { type FleetUse, previousSecretUses } from "../fleet/previous-secret-uses.ts";
import type { ChangeRow, ClockSkew, ConsoleState } from "./state.ts";
import { isChangeOf, type OwnWrite, OwnWrites } from "./own-writes.ts";
import { changeRowOf, ChangeRows, type Row } from "./change-rows.ts";
import { Clocks } from "./clocks.ts";
import { ReplicaError } from "./errors.ts";
import { Series } from "./series.ts";
import type { CanaryResults } from "../fleet/canary-results.ts";
import { type CanaryVerdict, judgeCanary } from "../fleet/canary-verdict.ts";

/** Messages of before that are looked through at the start: one read, and most may be of an app that is not shown. */
const MESSAGES_OF_BEFORE = 1_000;

/** A node that was not seen for so long is another one when it comes back. Milliseconds. */
const FORGOTTEN_MS = 600_000;

export type ObservedFleet = Pick<Fleet, "ask" | "tail" | "messages" | "now"> &
  Partial<Pick<Fleet, "readsReplica">>;

export interface ObserverOptions {
  /** An app whose changes are not shown: the canary's, which would push out all others. Default none. */
  readonly quietApp?: string | undefined;
  /** What was measured last. Default: that is not looked at. */
  readonly readCanary?: (() => Promise<CanaryResults>) | undefined;
  /** Whether the fleet may have no node with the agent. Default no. */
  readonly hasSharedCache?: boolean | undefined;
}

/** Watches the log and the nodes: who makes it look decides how often. */
export class Observer {
  nodes: readonly NodeView[] = [];
  tail: MessageId | undefined;
  /** The latest use first. */
  previousSecrets: readonly FleetUse[] = [];
  /** Null: it was not looked at. */
  canary: CanaryVerdict | null = null;
  readonly series = new Series();
  readonly #fleet: ObservedFleet;
  readonly #options: ObserverOptions;
  readonly #writes = new OwnWrites();
  readonly #rows = new ChangeRows();
  #cursor: MessageId | undefined;
  #begun = false;
  readonly #clocks = new Clocks();
  /** The newest message, until the clock that it tells of was compared. */
  #newest: LogEntry | undefined;
  #hasSeenLog = false;
  readonly #lastSeen = new Map<string, { readonly messages: ReadonlySet<string>; readonly at: number }>();

  constructor(fleet: ObservedFleet, options: ObserverOptions = {}) {
    this.#fleet = fleet;
    this.#options = options;
  }

  /** The newest first. */
  get changes(): readonly ChangeRow[] {
    return this.#rows.list();
  }

  /** A log that is not there was deleted, if anybody has seen it. */
  get logState(): ConsoleState["logState"] {
    if (this.tail) return "there";
    return this.#hasSeenLog ? "gone" : "none";
  }

  get clocks(): readonly ClockSkew[] {
    return this.#clocks.list();
  }

  /** This console has written an app. */
  wrote(write: OwnWrite): void {
    // The newest come first: the oldest that fits is its change, if that was faster than the answer to the write.
    const row = this.#rows
      .single()
      .filter((one) => one.wroteAt === undefined && isChangeOf(one, write))
      .at(-1);
    if (row) row.wroteAt = write.at;
    else this.#writes.add(write);
  }

  /**
   * Reads what is new in the log. Rejects when Redis does not answer, and with ReplicaError when it is a replica.
   *
   * @returns the new changes, the oldest first.
   */
  async follow(): Promise<ChangeRow[]> {
    this.tail = await this.#fleet.tail();
    if (this.#fleet.readsReplica) throw new ReplicaError();
    if (!this.#begun) {
      // The last ones of before, so that the page is not empty.
      this.#begun = true;
      const last = this.tail;
      this.#cursor = last && { ...last, seq: Math.max(0, last.seq - MESSAGES_OF_BEFORE) };
    }
    const { tail } = this;
    if (!tail) return [];
    this.#hasSeenLog = true;
    // A log that was restored, or begun anew by a clock that is behind, has smaller ids.
    if (this.#cursor && compareMessageIds(tail, this.#cursor) < 0) this.#cursor = undefined;
    const found: Row[] = [];
    while (!this.#cursor || compareMessageIds(this.#cursor, tail) < 0) {
      const entries = await this.#fleet.messages(this.#cursor);
      for (const entry of entries) {
        this.#cursor = entry.id;
        this.#newest = entry;
        const rows = rowsOf(entry)
          .map(changeRowOf)
          .filter(({ appId }) => appId === undefined || appId !== this.#options.quietApp);
        found.push(...rows.map((row) => this.#withWrite(row)));
      }
      if (entries.length === 0) break;
    }
    this.#rows.add(found);
    return found;
  }

  /** Asks all nodes, at `now` in milliseconds since 1970. Rejects when Redis does not answer. */
  async ask(now: number): Promise<void> {
    // Read before the nodes are asked: none can be behind what came later.
    const { tail } = this;
    const nodes = await this.#askWithClocks();
    this.nodes = nodes.map((node) => {
      const view = viewOf(node, tail);
      return this.#clocks.isComparable(node.id) ? view : { ...view, lagMs: null };
    });
    this.previousSecrets = [...previousSecretUses(nodes).values()].sort((a, b) => lastUse(b) - lastUse(a));
    this.#hasSeenLog ||= nodes.some(hasSeenLog);
    for (const { id, answer } of nodes) {
      if (!answer) continue;
      this.series.counted(id, answer, now);
      this.#noteDrops(id, answer.recent, now);
    }
    for (const [id, { at }] of this.#lastSeen) {
      if (now - at < FORGOTTEN_MS) continue;
      this.#lastSeen.delete(id);
      this.series.forget(id);
    }
  }

  async #askWithClocks(): Promise<readonly RegisteredNode[]> {
    const from = await this.#fleet.now();
    const newest = this.#newest;
    const own = Date.now();
    const nodes = await this.#fleet.ask();
    const to = await this.#fleet.now();
    this.#clocks.asked(nodes, { from, to }, own);
    await this.#lookAtCanary(to);
    // What is announced has the time of who announces it.
    if (newest && rowsOf(newest)[0]?.by === undefined) this.#clocks.heard(newest, from);
    if (this.#newest === newest) this.#newest = undefined;
    return nodes;
  }

  async #lookAtCanary(now: number): Promise<void> {
    const { readCanary, hasSharedCache = false } = this.#options;
    if (readCanary) this.canary = judgeCanary(await readCanary(), now, hasSharedCache);
  }

  #withWrite(row: Row): Row {
    return { ...row, wroteAt: this.#writes.take(row) };
  }

  #noteDrops(node: string, recent: readonly (readonly [string, number])[], now: number): void {
    const before = this.#lastSeen.get(node)?.messages;
    for (const [message, lag] of recent) {
      const lagMs = plausibleLag(lag);
      if (lagMs === null || !this.#clocks.isComparable(node)) continue;
      this.#rows.dropped(message, node, lagMs);
      // What a node did before it was first asked belongs to no time that is shown.
      if (before && !before.has(message)) this.series.lag(lagMs, now);
    }
    this.#lastSeen.set(node, { messages: new Set(recent.map(([message]) => message)), at: now });
  }
}

/** A node that has applied messages, or come to another log, has seen one. */
function hasSeenLog({ answer }: RegisteredNode): boolean {
  if (!answer) return false;
  return answer.recent.length > 0 || (answer.flushes ?? []).some(([reason]) => reason === "new-epoch");
}

function lastUse({ lastTakenAt, lastRefusedAt }: FleetUse): number {
  return Math.max(lastTakenAt ?? 0, lastRefusedAt ?? 0);
}
