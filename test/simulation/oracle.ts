import type { AgentSettings } from "../../src/agent/agent-options.ts";
import type { App } from "../../src/app/app.ts";
import { MAX_INDEX_LAG_MS } from "./dynamodb.ts";
import { PUNCTUAL } from "./lambda.ts";
import type { SimulatedNode } from "./node.ts";
import { FUNCTION_TIMEOUT_MS } from "./servers/shard.ts";
import type { Story, StoryEvent } from "./story.ts";
import { appOf, keyOf, type SimulatedTable, type Version } from "./table.ts";

/** What a node was asked, and what it answered. */
export interface Answer {
  readonly node: SimulatedNode;
  readonly asked: { readonly id: string } | { readonly key: string };
  readonly app: App | null;
  /** The node said that it does not know: to its client, "come back". */
  readonly isUnreadable: boolean;
  /** Milliseconds of virtual time. */
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** Few apps are in use in a story: a round every 5 s, seen to each second, and a slow read. Milliseconds. */
const IN_USE_BOUND_MS = 9_000;

/** Reading the index and the table once more, in the slowest weather of a story. Milliseconds. */
const SLOWEST_READS_MS = 4_000;

/** A batch that met the failover may take its whole time, and comes again after a pause. Milliseconds. */
const AGAIN_MS = FUNCTION_TIMEOUT_MS + 1_000;

/** What holds no message up, nor hides one for longer than a lease. */
const HARMLESS: ReadonlySet<StoryEvent["kind"]> = new Set([
  "write",
  "lookup",
  "split",
  "partition",
  "unreachable",
  "lossy-channel",
  "function-fast",
  "function-far",
  "garbage-published",
  "index-lagging",
  "all-agree",
]);

/**
 * Knows the table's whole history, and what the promises of the design allow a node to answer at each moment:
 *
 * - P1, P4: after a message that tells of a change has come to a node, nothing older is answered.
 * - P2: once Redis has the message, no node answers anything older for longer than a lease, or the age that is allowed
 *   without one.
 * - P3: a node that has had no answered heartbeat for a lease answers nothing older than that age, whatever was
 *   published.
 * - P10: where nothing but the primary is in doubt, P2's bound holds from the end of the failover, whoever took writes
 *   meanwhile: a message counts as published when it does for the function, and not when some server has it.
 * - While the table cannot be read, what was not invalidated may be older, to a limit; and null is an answer.
 */
export class Oracle {
  readonly violations: string[] = [];
  answers = 0;
  readonly #table: SimulatedTable;
  readonly #settings: AgentSettings;
  /** Of a story in which nothing else goes wrong: failovers, from when to when. */
  readonly #failovers: readonly { readonly at: number; readonly until: number }[] | undefined;

  constructor(table: SimulatedTable, settings: AgentSettings, { events, servers }: Story) {
    this.#table = table;
    this.#settings = settings;
    const isWitnessed = servers?.form === "sentinel" || servers?.form === "replicated";
    if (isWitnessed && events.every(({ kind }) => HARMLESS.has(kind)))
      this.#failovers = events.flatMap((event) => {
        if (event.kind === "partition") return { at: event.at, until: event.settled };
        const isOutage = event.kind === "unreachable" && event.who === "function";
        return event.kind === "split" || isOutage ? event : [];
      });
  }

  check(answer: Answer): void {
    this.answers += 1;
    const { asked, app } = answer;
    if (app) {
      if ("key" in asked && app.key !== asked.key)
        this.#violated(answer, "P4: an app with another key than asked for");
      if ("id" in asked && app.id !== asked.id) this.#violated(answer, "P4: another app than asked for");
      this.#checkVersion(answer, app.id, app.limits.maxConnections);
    } else if ("id" in asked) this.#checkAbsence(answer, asked.id);
    else this.#checkAbsenceOfKey(answer, asked.key);
  }

  /**
   * P9: an open connection has no app, nor an end, that came about longer ago than the bound for apps in use; counted from
   * the message while there is a lease. A node that is paused, or cannot read the table, has nothing to go by.
   */
  checkConnection(node: SimulatedNode, appId: string, number: number, now: number): void {
    const next = this.#table.history(appId).find((version) => version.number > number);
    if (!next) return;
    const leasedUntil = node.lastAnsweredHeartbeat + this.#settings.leaseMs;
    const told = Math.min(
      ...this.#table
        .history(appId)
        .filter((version) => version.number > number)
        .map(({ publishedAt }) => publishedAt ?? Infinity),
    );
    const from = Math.max(Math.min(told, Math.max(next.writtenAt, leasedUntil)), node.awakeSince);
    const until = from + IN_USE_BOUND_MS;
    if (now <= until || node.failedReads.some(({ what, at }) => what === appId && at > from)) return;
    this.violated(
      `P9: node ${node.name} has a connection to version ${number} of ${appId}, replaced at ${next.writtenAt.toFixed(0)}, ` +
        `told at ${told.toFixed(0)}; leased until ${leasedUntil.toFixed(0)}`,
      now,
    );
  }

  /** When all has settled: a node that disagrees with the table now will do so for ever. */
  checkSettled(answer: Answer): void {
    const { asked, app } = answer;
    const id = "id" in asked ? asked.id : this.#table.holderOf(asked.key);
    const expected = id === undefined ? undefined : this.#table.current(id);
    const number = appOf(expected?.item) ? expected?.number : undefined;
    if (number !== app?.limits.maxConnections)
      this.#violated(answer, `liveness: expected version ${number ?? "none"} for ever after, found another`);
  }

  violated(what: string, at: number): void {
    this.violations.push(`${(at / 1000).toFixed(3)} s: ${what}`);
  }

  /** The answer is version `number` of an app; 0 or a deletion when it is none. */
  #checkVersion(answer: Answer, appId: string, number: number, allowedAnyway = 0): void {
    const newer = this.#table.history(appId).filter((version) => version.number > number);
    const [next] = newer;
    if (!next || next.writtenAt > answer.answeredAt) return;
    const { node, answeredAt } = answer;
    const arrived = newer.find(({ arrivedAt }) => (arrivedAt.get(node.name) ?? Infinity) < answeredAt);
    if (arrived && answer.app) {
      this.#violated(
        answer,
        `P1: version ${number}, after the message of version ${arrived.number} had arrived`,
      );
      return;
    }
    if (answeredAt > Math.max(this.#allowedUntil(answer, next, newer), allowedAnyway)) {
      const published =
        next.publishedAt === undefined ? "not published" : `published at ${next.publishedAt.toFixed(0)}`;
      this.#violated(
        answer,
        `P2/P3: version ${number}, replaced at ${next.writtenAt.toFixed(0)}, ${published}`,
      );
    } else if (answeredAt > Math.max(this.#untilAfterFailover(next), allowedAnyway))
      this.#violated(
        answer,
        `P10: version ${number}, replaced at ${next.writtenAt.toFixed(0)}, long after the failover`,
      );
  }

  /** P10. Infinite where other things go wrong as well. */
  #untilAfterFailover({ writtenAt }: Version): number {
    if (!this.#failovers) return Number.POSITIVE_INFINITY;
    const { leaseMs, limits } = this.#settings;
    const [, deliveryMs] = PUNCTUAL.delay;
    let settled = writtenAt + deliveryMs;
    for (const { at, until } of this.#failovers) if (at <= settled) settled = Math.max(settled, until);
    return settled + AGAIN_MS + Math.max(leaseMs, limits.degradedTtlMs);
  }

  #allowedUntil(
    { node, asked, askedAt, answeredAt }: Answer,
    next: Version,
    newer: readonly Version[],
  ): number {
    const { leaseMs, limits } = this.#settings;
    const byAge = next.writtenAt + limits.degradedTtlMs;
    const whats = [next.appId, "key" in asked ? asked.key : undefined];
    const unreadable = node.failedReads.some(
      ({ what, at }) => at >= askedAt && at <= answeredAt && whats.includes(what),
    );
    const published = Math.min(...newer.map(({ publishedAt }) => publishedAt ?? Infinity));
    // A heartbeat proves what it finds: that nothing was missed of what had been published.
    const proven = Math.max(next.writtenAt, Math.min(published, node.lastAnsweredHeartbeat));
    const byError = unreadable ? proven + limits.maxStaleOnErrorMs : 0;
    const leased = answeredAt <= node.lastAnsweredHeartbeat + leaseMs;
    return Math.max(byAge, byError, leased ? published + leaseMs : 0);
  }

  #checkAbsence(answer: Answer, appId: string, allowedAnyway = 0): void {
    const { node, askedAt, answeredAt } = answer;
    const known = this.#table.history(appId).filter(({ writtenAt }) => writtenAt <= answeredAt);
    const absent = known.filter(({ item }) => item === undefined).at(-1);
    if (!absent || absent === known.at(-1)) return;
    const whats: unknown[] = [appId, ...Object.values(answer.asked)];
    // Nothing could be read, and nothing was held: there is no better answer.
    if (node.failedReads.some(({ what, at }) => at >= askedAt && at <= answeredAt && whats.includes(what)))
      return;
    this.#checkVersion(answer, appId, absent.number, allowedAnyway);
  }

  /** The index lags, and an unknown key is believed unknown for a moment. */
  #checkAbsenceOfKey(answer: Answer, key: string): void {
    const { limits } = this.#settings;
    const holder = this.#table.holderOf(key, answer.answeredAt);
    if (holder === undefined) return;
    const history = this.#table.history(holder).filter(({ writtenAt }) => writtenAt <= answer.answeredAt);
    const lastWithout = history.filter((version) => keyOf(version) !== key).at(-1);
    if (!lastWithout) throw new Error(`expected ${holder} to be without key ${key} at first`);
    const since = history.find(({ number }) => number > lastWithout.number)?.writtenAt ?? 0;
    const indexed = since + MAX_INDEX_LAG_MS + limits.missingKeyTtlMs + SLOWEST_READS_MS;
    if (answer.answeredAt <= indexed) return;
    const { node, askedAt, answeredAt } = answer;
    if (node.failedReads.some(({ at }) => at >= askedAt && at <= answeredAt)) return;
    // Several reads, each slow and none failed, took all the time that a client is kept waiting.
    if (answer.isUnreadable && answeredAt - askedAt >= limits.loadBudgetMs) return;
    this.#checkVersion({ ...answer, app: null }, holder, lastWithout.number, indexed);
  }

  #violated({ node, asked, app, askedAt, answeredAt }: Answer, what: string): void {
    const found = app ? `version ${app.limits.maxConnections} of ${app.id}` : "none";
    this.violated(
      `${what}; node ${node.name} was asked for ${JSON.stringify(asked)} at ${askedAt.toFixed(0)} and answered ${found}`,
      answeredAt,
    );
  }
}
