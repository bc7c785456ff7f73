import type { StoryKind } from "./pool.ts";

export interface Edit {
  readonly file: string;
  /** Stands once in the file, as it is. */
  readonly from: string;
  readonly to: string;
}

/** One safeguard of the product taken away: the simulation must notice, or it proves nothing about that safeguard. */
export interface Mutant extends Edit {
  readonly name: string;
  /** Whose stories it is for. Default: those on the model of Redis. */
  readonly kind?: StoryKind | undefined;
  /** The first seed whose story it spoils; `npm run simulate -- --mutants` finds it anew when stories change. */
  readonly seed: number;
  /** A second line of the same safeguard, which would hide that the first is gone. */
  readonly also?: Edit | undefined;
}

const FOLLOWER = "src/agent/log-follower.ts";
const CACHE = "src/agent/app-cache.ts";
const KEYS = "src/agent/key-index.ts";
const SINGLE_FLIGHT = "src/agent/single-flight.ts";
const ENTRIES = "src/agent/cache-entries.ts";
const MISSED = "src/agent/missed-messages.ts";
const AGENT = "src/agent/agent.ts";
const SOCKETS = "src/agent/live-sockets.ts";
const REVALIDATOR = "src/agent/revalidator.ts";
const CONNECTIONS = "src/agent/open-connections.ts";
const BATCH = "src/pipeline/run-batch.ts";
const VOUCHED = "src/redis/vouched.ts";
const RENEWABLE = "src/redis/renewable-connection.ts";
const CACHED_APPS = "src/redis/cached-app-scripts.ts";
const REPLICAS = "src/redis/replicas.ts";
const LOG = "src/redis/log.ts";

/** A heartbeat and a subscription that are on two servers are noticed as well. */
const SUBSCRIBED_ELSEWHERE: Edit = {
  file: FOLLOWER,
  from: "if (!this.#session.isElsewhere(run)) return;",
  to: "if (run !== null) return;",
};

/** What was sent over another socket may have gone to another server; an append asks for that, too. */
const SENT_ON_ANOTHER: Edit = {
  file: VOUCHED,
  from: "(socket === undefined || socket === witnesses.socket(after)) &&",
  to: "",
};

export const MUTANTS: readonly Mutant[] = [
  {
    name: "a read under way is not voided by an invalidation",
    seed: 3,
    file: SINGLE_FLIGHT,
    from: "inFlight.validity.void = true;",
    to: "",
  },
  {
    name: "a flush does not void reads under way",
    seed: 3758,
    file: CACHE,
    from: "this.#loads.voidAll();",
    to: "",
  },
  {
    name: "an invalidation leaves the entry",
    seed: 0,
    file: CACHE,
    from: "if (this.#entries.delete(id)) this.stats.drops += 1;",
    to: "",
  },
  {
    name: "an invalidation leaves what was found missing",
    seed: 1,
    file: ENTRIES,
    from: "    this.#missing.delete(id);\n",
    to: "",
  },
  {
    name: "the lease never ends",
    seed: 6,
    file: ENTRIES,
    from: "return now < this.#lease.until ||",
    to: "return this.#lease.until > 0 ||",
  },
  {
    name: "the lease is counted from the answer of the heartbeat",
    seed: 346,
    file: FOLLOWER,
    from: "if (isUpToDate(this.#position, tail, cursorThen)) this.#renew(tail, askedAt);",
    to: "if (isUpToDate(this.#position, tail, cursorThen)) this.#renew(tail, this.#options.clock());",
  },
  {
    name: "the lease is renewed whatever the tail says",
    seed: 85,
    file: FOLLOWER,
    from: "if (isUpToDate(this.#position, tail, cursorThen)) this.#renew(tail, askedAt);",
    to: "if (tail) this.#renew(tail, askedAt);",
  },
  {
    name: "without a lease entries are served for ever",
    seed: 6,
    file: ENTRIES,
    from: "|| now - readAt <= this.#degradedTtlMs;",
    to: "|| now >= readAt;",
  },
  {
    name: "a read from before a pause is handed out",
    seed: 822,
    file: CACHE,
    from: "if (inTime || this.#entries.isRecent(readAt))",
    to: "if (inTime || readAt >= 0)",
  },
  {
    name: "an answer of the index from before a pause is believed",
    seed: 42,
    file: KEYS,
    from: "if (this.#options.clock() - askedAt <= this.#options.loadBudgetMs) return { id, askedAt };",
    to: "if (askedAt >= 0) return { id, askedAt };",
  },
  {
    name: "nothing is replayed",
    seed: 1,
    file: FOLLOWER,
    from: "(entry) => this.#actOn(entry));",
    to: "() => undefined);",
  },
  {
    name: "a hole is skipped",
    seed: 23,
    file: FOLLOWER,
    from: "} else if (entry.id.seq === cursor.seq + 1) {",
    to: "} else if (entry.id.seq > cursor.seq) {",
  },
  {
    name: "an incomplete replay counts as complete",
    seed: 375,
    file: MISSED,
    from: '    : "log-trimmed";',
    to: "    : entries;",
  },
  {
    name: "no flush on a new epoch in a sync",
    seed: 529,
    file: MISSED,
    from: 'if (!cursor || cursor.epoch !== last?.epoch) return "new-epoch";',
    to: "if (!cursor || cursor.epoch !== last?.epoch) return [];",
  },
  {
    name: "another server is not noticed",
    seed: 1373,
    file: MISSED,
    from: "if (tail.server !== server || last?.epoch !== cursor?.epoch) return false;",
    to: "if (last?.epoch !== cursor?.epoch) return false;",
    also: {
      file: FOLLOWER,
      from: "if (!this.#session.isElsewhere(run)) return;",
      to: "if (run !== null) return;",
    },
  },
  {
    name: "another server is synced with as if it were the same",
    seed: 41,
    file: MISSED,
    from: 'if (tail.server !== server) return "server-changed";',
    to: "",
  },
  {
    name: "a former server's subscription is kept",
    seed: 1866,
    file: FOLLOWER,
    from: "if (isOther && !isSurelyThere) {",
    to: "if (isOther && isSurelyThere) {",
    also: {
      file: FOLLOWER,
      from: "else if (this.#isRepeat(entry)) this.#actOn(entry);",
      to: "else if (this.#isRepeat(entry)) return;",
    },
  },
  {
    name: "live messages are not acted on during a sync",
    seed: 9,
    file: FOLLOWER,
    from: "    this.#actOn(entry);\n    this.#session.wait(entry);",
    to: "    this.#session.wait(entry);",
  },
  {
    name: "an alias is believed without a look at the app's key",
    seed: 3,
    file: CACHE,
    from: "if (app?.key === key) return app;\n        // Nothing could be read",
    to: "if (app) return app;\n        // Nothing could be read",
  },
  {
    name: "a hit by key does not check the app's key",
    seed: 3,
    file: CACHE,
    from: "if (entry?.app?.key === key && this.#entries.isProven(entry)) {",
    to: "if (entry?.app && this.#entries.isProven(entry)) {",
  },
  {
    name: "unknown keys are remembered for ever",
    seed: 6,
    file: KEYS,
    from: "ttlMs: missingKeyTtlMs,",
    to: "ttlMs: 3_600_000,",
  },
  {
    name: "a failed read is answered with an entry of any age",
    seed: 19,
    file: CACHE,
    from: "if (!entry || this.#clock() - this.#entries.provenAt(entry) > this.#limits.maxStaleOnErrorMs) {",
    to: "if (!entry) {",
  },
  {
    name: "an app with clients is not read again after its drop",
    seed: 0,
    file: AGENT,
    from: "if (wanted) this.#reloadSoon(change.appId);",
    to: "",
  },
  {
    name: "open connections do not follow a flush",
    seed: 15,
    file: AGENT,
    from: "this.connections.revalidator.doubtAll();",
    to: "",
  },
  {
    name: "a connection whose app cannot be read is given up",
    seed: 8,
    file: REVALIDATOR,
    from: "        else pace.finished(false);\n        this.retryLater(appId);",
    to: "        else pace.finished(false);",
  },
  {
    name: "a connection keeps the app that it was opened with",
    seed: 1,
    file: SOCKETS,
    from: "connection.replace(app);",
    to: "",
  },
  {
    name: "a flush leaves what is cached proven",
    seed: 3,
    file: ENTRIES,
    from: "return era === this.#era && this.isRecent(readAt);",
    to: "return this.isRecent(readAt);",
  },
  {
    name: "what a flush put in doubt is proven by a later lease",
    seed: 41,
    file: ENTRIES,
    from: "era.endedProvenAt ?? this.#lease.provenAt",
    to: "this.#lease.provenAt",
  },
  {
    name: "without a lease apps in use are not read again",
    seed: 307,
    file: REVALIDATOR,
    from: "for (const appId of this.#countedApps()) this.#addPaced(appId, true);",
    to: "",
  },
  {
    name: "a connection is not looked at when it is entered",
    seed: 201,
    file: CONNECTIONS,
    from: "(app) => this.#sockets.followOne(appId, app, connection),",
    to: "() => undefined,",
  },
  {
    name: "connections wait for a read that no message overtakes",
    seed: 716406762,
    file: SINGLE_FLIGHT,
    from: "onOutdated?.(value);",
    to: "",
  },
  {
    name: "connections of an app that must be closed are not",
    seed: 0,
    file: SOCKETS,
    from: "this.#closer.add(appId, { connection, code, message });",
    to: "",
  },
  {
    name: "a batch that was not published counts as done",
    seed: 2,
    file: BATCH,
    from: "return { batchItemFailures: [{ itemIdentifier: first }] };",
    to: "return { batchItemFailures: [] };",
  },
  {
    name: "the index is not asked again after a pause",
    kind: "servers",
    seed: 615302,
    file: CACHE,
    from: "this.#clock() - indexAskedAt > this.#limits.loadBudgetMs",
    to: "indexAskedAt < 0",
  },
  {
    name: "a message with a number that was replayed is ignored",
    kind: "servers",
    seed: 295,
    file: FOLLOWER,
    from: "else if (this.#isRepeat(entry)) this.#actOn(entry);",
    to: "else if (this.#isRepeat(entry)) return;",
  },
  {
    name: "a heartbeat counts whoever the witnesses name",
    kind: "servers",
    seed: 652,
    file: VOUCHED,
    from: 'if (!(await witnesses.names(verdict, tail.run))) throw otherPrimary("take a heartbeat", verdict);',
    to: "",
    also: SUBSCRIBED_ELSEWHERE,
  },
  {
    name: "an append counts whoever the witnesses name",
    kind: "servers",
    seed: 4,
    file: VOUCHED,
    from: "if (before && !(await witnesses.names(before))) throw otherPrimary(doing, before);\n",
    to: "return append(before && witnesses.owner(before));\n",
  },
  {
    name: "a server that is promoted again is the same as before",
    kind: "servers",
    seed: 9,
    file: VOUCHED,
    from: "return verdict ? `${server}/${verdict.epoch}` : server;",
    to: "return verdict ? server : server;",
  },
  {
    name: "a batch is sent after its deadline",
    kind: "servers",
    seed: 2,
    file: RENEWABLE,
    from: "if (use.isOver || use.remainingMs() <= RESERVE_MS) throw timeIsUp();",
    to: "",
  },
  {
    name: "a heartbeat counts without the replicas that have it",
    kind: "servers",
    seed: 49,
    file: VOUCHED,
    from: "    await witnesses.replicated();\n    return tail;",
    to: "    return tail;",
  },
  {
    name: "a socket that was given up is taken for the one to write on",
    kind: "servers",
    seed: 5,
    file: REPLICAS,
    from: 'if (!connection.stream?.writable) await orRedisError("be there", connection.ping());',
    to: "",
  },
  {
    name: "a server without an identity gives leases",
    kind: "servers",
    seed: 7,
    file: "src/redis/bus.ts",
    from: "const server = isKnown ? `${run}/${replication}` : undefined;",
    to: "const server: string | undefined = `${run}/${replication}`;",
  },
  {
    name: "a demoted primary is not left",
    kind: "servers",
    seed: 8,
    file: "src/redis/client-options.ts",
    from: "reconnectOnError: isOfNoPrimary,",
    to: "reconnectOnError: (error) => isOfNoPrimary(error) && false,",
  },
  {
    name: "a connection on which a command has failed is kept",
    kind: "servers",
    seed: 81,
    file: RENEWABLE,
    from: "if (!isOfTheServer(error)) this.#giveUp(use.connection);",
    to: "if (isOfTheServer(error) && false) this.#giveUp(use.connection);",
  },
  {
    name: "an older record is written over a newer one in the shared cache",
    kind: "servers",
    seed: 31,
    file: CACHED_APPS,
    from: "    elseif heldNumber > number then\n      return 0\n",
    to: "    elseif heldNumber > number then\n",
  },
  {
    name: "what is kept beside the log is believed whatever the log has",
    kind: "servers",
    seed: 5,
    file: "src/redis/scripts.ts",
    from: "if not newer.err and #newer == 0 then",
    to: "if not newer.err then",
    // An append that finds its id taken does not believe it any more either.
    also: {
      file: "src/redis/append-script.ts",
      from: "string.find(added.err, 'equal or smaller', 1, true)",
      to: "false",
    },
  },
  {
    name: "one vote is taken for a majority",
    kind: "servers",
    seed: 39,
    file: "src/redis/majority.ts",
    from: "if (agreeing.length * 2 <= this.#voters) return undefined;",
    to: "",
  },
  {
    name: "nobody is asked who is the primary after an append",
    kind: "servers",
    seed: 39,
    file: VOUCHED,
    from: "const after = await witnesses.ask();",
    to: "const after = before;",
  },
  {
    name: "an append counts although its connection broke meanwhile",
    kind: "servers",
    seed: 85,
    ...SENT_ON_ANOTHER,
  },
  {
    name: "an append counts wherever its connection leads to afterwards",
    kind: "servers",
    seed: 25,
    file: VOUCHED,
    from: "(!after || (await witnesses.names(after)))",
    to: "true",
    // On the socket of before is the server of before.
    also: SENT_ON_ANOTHER,
  },
  {
    name: "an append counts without the replicas that have it",
    kind: "servers",
    seed: 82,
    file: VOUCHED,
    from: "  await witnesses.replicated();\n  const after",
    to: "  const after",
  },
  {
    name: "too few replicas are enough",
    kind: "servers",
    seed: 49,
    file: REPLICAS,
    from: "connection.stream !== stream || count < minReplicas)",
    to: "connection.stream !== stream)",
  },
  {
    name: "replicas are asked over another connection than what they must have",
    kind: "servers",
    seed: 82,
    file: REPLICAS,
    from: "if (connection.stream !== stream || count < minReplicas)",
    to: "if (count < minReplicas)",
    also: SENT_ON_ANOTHER,
  },
  {
    name: "the function stays with a server that is not the primary",
    kind: "servers",
    seed: 285,
    file: LOG,
    from: "new Set([OTHER_PRIMARY, FEW_REPLICAS])",
    to: "new Set([FEW_REPLICAS])",
  },
  {
    name: "the function stays with a server that its replicas have left",
    kind: "servers",
    seed: 1502,
    file: LOG,
    from: "new Set([OTHER_PRIMARY, FEW_REPLICAS])",
    to: "new Set([OTHER_PRIMARY])",
  },
  {
    name: "a node stays with a server that is not the primary",
    kind: "servers",
    seed: 22,
    file: "src/redis/agent-link.ts",
    from: 'if (commands.status === "ready" && !isUnknown) reconnect(commands);',
    to: "",
  },
  {
    name: "a subscriber believes the same sentinel each time",
    kind: "servers",
    seed: 379,
    file: "src/redis/subscriber.ts",
    from: "rotated(settings.sentinels, attempt)",
    to: "settings.sentinels",
  },
  {
    name: "a reader stays with a replica",
    kind: "servers",
    seed: 18,
    file: "src/redis/leave-replicas.ts",
    from: "        reconnect(connection);\n",
    to: "",
  },
];
