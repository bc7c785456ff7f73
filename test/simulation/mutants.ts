/** One safeguard of the product taken away: the simulation must notice, or it proves nothing about that safeguard. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Stands once in the file, as it is. */
  readonly from: string;
  readonly to: string;
}

const FOLLOWER = "src/agent/log-follower.ts";
const CACHE = "src/agent/app-cache.ts";
const KEYS = "src/agent/key-index.ts";
const FLIGHTS = "src/agent/flights.ts";
const AGENT = "src/agent/agent.ts";
const SOCKETS = "src/agent/live-sockets.ts";
const BATCH = "src/pipeline/run-batch.ts";

export const MUTANTS: readonly Mutant[] = [
  {
    name: "a read under way is not voided by an invalidation",
    file: FLIGHTS,
    from: "flight.validity.void = true;",
    to: "",
  },
  {
    name: "a flush does not void reads under way",
    file: CACHE,
    from: "this.#loads.voidAll();",
    to: "",
  },
  {
    name: "an invalidation leaves the entry",
    file: CACHE,
    from: "if (this.#entries.delete(id)) this.stats.drops += 1;",
    to: "",
  },
  {
    name: "an invalidation leaves what was found missing",
    file: CACHE,
    from: "    this.#missing.delete(id);\n    this.#loads.void(id);",
    to: "    this.#loads.void(id);",
  },
  {
    name: "the lease never ends",
    file: CACHE,
    from: "return now < this.#leaseUntil() ||",
    to: "return this.#leaseUntil() > 0 ||",
  },
  {
    name: "the lease is counted from the answer of the heartbeat",
    file: FOLLOWER,
    from: "if (this.#agrees(tail, cursorThen)) this.#renew(askedAt);",
    to: "if (this.#agrees(tail, cursorThen)) this.#renew(this.#clock());",
  },
  {
    name: "the lease is renewed whatever the tail says",
    file: FOLLOWER,
    from: "if (this.#agrees(tail, cursorThen)) this.#renew(askedAt);",
    to: "if (tail) this.#renew(askedAt);",
  },
  {
    name: "without a lease entries are served for ever",
    file: CACHE,
    from: "|| now - readAt <= this.#limits.degradedTtlMs;",
    to: "|| now >= readAt;",
  },
  {
    name: "a read from before a pause is handed out",
    file: CACHE,
    from: "if (inTime || this.#isProven({ readAt }))",
    to: "if (inTime || readAt >= 0)",
  },
  {
    name: "nothing is replayed",
    file: FOLLOWER,
    from: "for (const entry of replay) this.#apply(entry);",
    to: "this.#cursor = tail.last;",
  },
  {
    name: "a hole is skipped",
    file: FOLLOWER,
    from: "} else if (entry.id.seq === cursor.seq + 1) {",
    to: "} else if (entry.id.seq > cursor.seq) {",
  },
  {
    name: "an incomplete replay counts as complete",
    file: FOLLOWER,
    from: '      : "log-trimmed";',
    to: "      : entries;",
  },
  {
    name: "no flush on a new epoch in a sync",
    file: FOLLOWER,
    from: 'if (!from || from.epoch !== to?.epoch) return "new-epoch";',
    to: "if (!from || from.epoch !== to?.epoch) return [];",
  },
  {
    name: "another server is not noticed",
    file: FOLLOWER,
    from: "if (server !== this.#server || last?.epoch !== cursor?.epoch) return false;",
    to: "if (last?.epoch !== cursor?.epoch) return false;",
  },
  {
    name: "another server is synced with as if it were the same",
    file: FOLLOWER,
    from: 'if (tail.server !== this.#server) return "server-changed";',
    to: "",
  },
  {
    name: "live messages are not acted on during a sync",
    file: FOLLOWER,
    from: "    this.#actOn(entry);\n    if (this.#waiting.length",
    to: "    if (this.#waiting.length",
  },
  {
    name: "an alias is believed without a look at the app's key",
    file: CACHE,
    from: "if (id === undefined || app?.key !== key) return null;",
    to: "if (id === undefined || !app) return null;",
  },
  {
    name: "a hit by key does not check the app's key",
    file: CACHE,
    from: "if (entry?.app?.key === key && this.#isProven(entry)) {",
    to: "if (entry?.app && this.#isProven(entry)) {",
  },
  {
    name: "unknown keys are remembered for ever",
    file: KEYS,
    from: "return askedAt !== undefined && this.#parts.clock() - askedAt <= this.#parts.missingKeyTtlMs;",
    to: "return askedAt !== undefined;",
  },
  {
    name: "a failed read is answered with an entry of any age",
    file: CACHE,
    from: "if (!entry || this.#clock() - entry.readAt > this.#limits.maxStaleOnErrorMs) return null;",
    to: "if (!entry) return null;",
  },
  {
    name: "an app with clients is not read again after its drop",
    file: AGENT,
    from: "if (wanted) this.#reloadSoon(change.appId);",
    to: "",
  },
  {
    name: "open connections do not follow a flush",
    file: AGENT,
    from: "this.sockets.refreshAll();",
    to: "",
  },
  {
    name: "a connection whose app cannot be read is given up",
    file: SOCKETS,
    from: "      this.#retryLater(appId);\n      return;",
    to: "      return;",
  },
  {
    name: "a connection keeps the app that it was opened with",
    file: SOCKETS,
    from: "connection.replace(app);",
    to: "",
  },
  {
    name: "a batch that was not published counts as done",
    file: BATCH,
    from: "return { batchItemFailures: [{ itemIdentifier: first }] };",
    to: "return { batchItemFailures: [] };",
  },
];
