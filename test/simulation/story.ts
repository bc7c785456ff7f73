import { createLookup, burst } from "./lookups.ts";
import { Random } from "./random.ts";
import { withMoment } from "./servers/moments.ts";
import type { RedisForm, Side } from "./servers/deployment.ts";
import type { PlaceState } from "./servers/link.ts";
import { withPartition } from "./servers/partitions.ts";

/** One thing that happens. Times are milliseconds since the story's start, also of its end where it has one. */
export type StoryEvent = { readonly at: number } & (
  | { readonly kind: "write"; readonly app: number; readonly how: WriteKind }
  | {
      readonly kind: "lookup";
      readonly node: number;
      readonly app: number;
      readonly by: "id" | "key" | "former-key";
      readonly connect: boolean;
    }
  | {
      readonly kind: "link";
      readonly node: number | "function";
      readonly state: "cut" | "silent" | "slow";
      readonly until: number;
    }
  | {
      readonly kind: "node";
      readonly node: number;
      readonly how: "paused" | "stopped";
      readonly until: number;
    }
  | {
      readonly kind:
        | "redis-down"
        | "redis-full"
        | "lossy-channel"
        | "table-failing"
        | "table-down"
        | "table-slow"
        | "index-lagging"
        | "function-killed"
        | "function-slow"
        | "function-fast"
        | "function-far"
        | "function-frozen";
      readonly until: number;
    }
  | { readonly kind: "redis-restart"; readonly empty: boolean; readonly until: number }
  | { readonly kind: "failover"; readonly missing: number; readonly silently: boolean }
  | {
      /** Others are promoted, and the former primary does not learn of it until then. */
      readonly kind: "split";
      readonly promotions: number;
      readonly frozen: boolean;
      /** One sentinel does not learn of it before the end. */
      readonly deaf?: boolean | undefined;
      readonly missing: number;
      readonly until: number;
    }
  | {
      /**
       * The primary, a sentinel and some processes are apart from the rest, who promote another; who is on both sides reaches
       * all. Until then the former primary takes writes, and learns of nothing.
       */
      readonly kind: "partition";
      readonly sentinel: number;
      readonly nodes: readonly Side[];
      readonly function: Side;
      readonly promoted: number;
      readonly promotedAt: number;
      readonly heardMs: number;
      readonly until: number;
      /** When the function can publish again. */
      readonly settled: number;
    }
  | {
      /** Some servers or sentinels are not reached by one process. */
      readonly kind: "unreachable";
      readonly who: number | "function";
      readonly hosts: readonly string[];
      readonly state: PlaceState;
      readonly until: number;
    }
  /** The primary's replicas get nothing of it. */
  | { readonly kind: "replicas-cut"; readonly until: number }
  /** Another is the primary for so many milliseconds; the first one never learns of that. */
  | { readonly kind: "flap"; readonly forMs: number }
  | {
      readonly kind: "log-deleted" | "log-end-forgotten" | "older-append" | "garbage-published" | "all-agree";
    }
);

export type WriteKind = "update" | "rotate-secret" | "toggle" | "rekey" | "delete-or-create" | "take-key";

export interface Servers {
  readonly form: RedisForm;
  /** The function keeps soketi's own app cache in Redis, too. */
  readonly sharedCache: boolean;
  /** Somebody only reads the log. */
  readonly reader?: boolean | undefined;
}

export interface Story {
  readonly seed: number;
  /** Redis is made of servers, and not a model of what the ports see. */
  readonly servers?: Servers | undefined;
  readonly nodes: number;
  readonly apps: number;
  readonly shards: number;
  /** Entries that the log keeps. */
  readonly logLength: number;
  readonly maxEntries: number;
  readonly verifier: boolean;
  /** Without faults: here the cache must prove useful. */
  readonly calm: boolean;
  readonly events: readonly StoryEvent[];
}

/** Faults happen between these; then everything may settle, and at the end all must agree. Milliseconds. */
const FAULTS_FROM = 3_000;
export const FAULTS_UNTIL = 25_000;
export const END = 45_000;

const WRITES: readonly WriteKind[] = [
  "update",
  "update",
  "rotate-secret",
  "toggle",
  "rekey",
  "delete-or-create",
  "take-key",
];
const CALM_EVERY = 10;

/** A story follows from its seed alone. */
export function createStory(seed: number): Story {
  const random = new Random(`story ${seed}`);
  const calm = seed % CALM_EVERY === 0;
  const nodes = random.integer(1, 3);
  const apps = random.integer(2, 6);
  const events: StoryEvent[] = [];
  for (let app = 0; app < apps; app += 1)
    if (!random.chance(0.15)) events.push({ at: 0, kind: "write", app, how: "delete-or-create" });
  const pause = random.pick([200, 1_000, 3_000, 8_000]);
  for (let at = random.between(500, 2_000); at < FAULTS_UNTIL; at += random.between(0.1, 2) * pause) {
    const app = random.integer(0, apps - 1);
    events.push({ at, kind: "write", app, how: random.pick(WRITES) });
    for (let i = random.integer(0, 8); i > 0; i -= 1)
      events.push(createLookup(random, at + 6_000 * random.next() ** 3, nodes, app));
  }
  for (let at = 100; at < END - 2_000; at += random.between(5, 80))
    events.push(createLookup(random, at, nodes, random.integer(0, apps - 1)));
  if (!calm && random.chance(0.6)) events.push(...random.pick(PLOTS)(random, nodes, apps));
  // With dice of its own: stories of before stay what they were.
  const doubt = new Random(`doubt ${seed}`);
  if (!calm && doubt.chance(0.2)) events.push(...doubt.pick(DOUBTS)(doubt, nodes, apps));
  const standstill = new Random(`standstill ${seed}`);
  if (!calm && apps > 1 && standstill.chance(0.1)) events.push(...pausedWhileAsking(standstill, nodes, apps));
  if (!calm) for (let i = random.integer(1, 6); i > 0; i -= 1) events.push(createFault(random, nodes));
  return {
    seed,
    nodes,
    apps,
    shards: random.integer(1, 2),
    logLength: random.pick([3, 20, 10_000]),
    maxEntries: random.pick([2, 1_000, 1_000]),
    verifier: random.chance(0.2),
    calm,
    events: events.sort((left, right) => left.at - right.at),
  };
}

const FORMS: readonly RedisForm[] = ["address", "sentinel", "sentinel", "replicated", "anonymous"];

/** The same story on servers of some form, with what can only go wrong there. */
export function createServersStory(seed: number): Story {
  const story = createStory(seed);
  const random = new Random(`servers ${seed}`);
  const form = random.pick(FORMS);
  const isWitnessed = form === "sentinel" || form === "replicated";
  const { nodes, apps, calm } = story;
  // Half of the stories with two primaries have nothing else in them: there all can be held to one failover.
  const isAlone = !calm && isWitnessed && random.chance(0.5);
  const events = story.events.filter(({ kind }) => !isAlone || kind === "write" || kind === "lookup");
  if (!calm) {
    if (isAlone || random.chance(0.7)) events.push(...random.pick(SPLITS)(random, nodes, apps));
    for (let i = isAlone ? 0 : random.integer(0, 2); i > 0; i -= 1) events.push(createServersFault(random));
  }
  events.push({ at: FAULTS_UNTIL, kind: "all-agree" });
  const sharedCache = random.chance(0.4);
  // With dice of their own: stories of before stay what they were.
  const moments = new Random(`moments ${seed}`);
  const scene = { form, nodes, apps, events };
  const partition = calm ? undefined : withPartition(new Random(`partition ${seed}`), scene);
  const other = calm
    ? events
    : withMoment(moments, { ...scene, events: events.map((event) => sometimesDeaf(moments, event)) });
  return {
    ...story,
    servers: { form, sharedCache, reader: partition && !isWitnessed },
    events: (partition ?? other)
      .map((event) => (isWitnessed ? event : withoutSplit(event)))
      .sort((left, right) => left.at - right.at),
  };
}

function createServersFault(random: Random): StoryEvent {
  const at = random.between(FAULTS_FROM, FAULTS_UNTIL - 1_000);
  const kind = random.pick(["split", "log-end-forgotten", "older-append", "function-frozen"] as const);
  switch (kind) {
    case "split":
      return createSplit(random, at);
    case "function-frozen":
      return { at, kind, until: Math.min(FAULTS_UNTIL, at + random.between(3_000, 12_000)) };
    default:
      return { at, kind };
  }
}

function createFault(random: Random, nodes: number): StoryEvent {
  const at = random.between(FAULTS_FROM, FAULTS_UNTIL - 1_000);
  const until = Math.min(
    FAULTS_UNTIL,
    at + random.pick([200, 1_000, 4_000, 12_000]) * random.between(0.3, 1),
  );
  const node = random.integer(0, nodes - 1);
  const kind = random.pick([
    "link",
    "link",
    "link",
    "node",
    "node",
    "redis-down",
    "redis-full",
    "lossy-channel",
    "lossy-channel",
    "table-failing",
    "table-slow",
    "index-lagging",
    "function-killed",
    "function-slow",
    "redis-restart",
    "failover",
    "failover",
    "log-deleted",
    "garbage-published",
  ] as const);
  switch (kind) {
    case "link":
      return {
        at,
        kind,
        node: random.chance(0.2) ? "function" : node,
        state: random.pick(["cut", "silent", "slow"] as const),
        until,
      };
    case "node":
      return { at, kind, node, how: random.pick(["paused", "stopped"] as const), until };
    case "redis-restart":
      return { at, kind, empty: random.chance(0.6), until: Math.min(until, at + 3_000) };
    case "failover":
      return { at, kind, missing: random.pick([0, 1, 2, 5]), silently: random.chance(0.3) };
    case "log-deleted":
    case "garbage-published":
      return { at, kind };
    default:
      return { at, kind, until };
  }
}

/**
 * Faults that matter only together, at the right moments: by chance alone they would take too many seeds. Each is drawn
 * with its own times, and may still miss.
 */
const PLOTS: readonly ((random: Random, nodes: number, apps: number) => StoryEvent[])[] = [
  /** The last messages die with the master, while reads from before them are on their way. */
  function lostSuffix(random, nodes, apps) {
    const at = random.between(FAULTS_FROM, 15_000);
    const app = random.integer(0, apps - 1);
    return [
      { at: at - 1_000, kind: "table-slow", until: at + 1_500 },
      { at: at - 1_000, kind: "function-fast", until: at + 1_500 },
      // The first makes nodes read; the second is lost while they do.
      { at: at - random.between(100, 900), kind: "write", app, how: "update" },
      { at, kind: "write", app, how: "update" },
      {
        at: at + random.between(10, 300),
        kind: "failover",
        missing: random.integer(1, 3),
        silently: random.chance(0.3),
      },
      ...burst(random, at - 900, at + 1_500, nodes, app, 40),
      ...burst(random, at + 1_500, at + 9_000, nodes, app, 40),
    ];
  },
  /** Answers get slow, then stop, after a change that is not published: the lease must end in time by itself. */
  function fadingLink(random, nodes, apps) {
    const at = random.between(FAULTS_FROM + 2_000, 12_000);
    const node = random.integer(0, nodes - 1);
    const app = random.integer(0, apps - 1);
    const silent = at + random.between(1_000, 3_000);
    return [
      { at, kind: "link", node, state: "slow", until: silent },
      // Not told of at all, so that the lease alone decides.
      { at: silent - 5_000, kind: "link", node: "function", state: "cut", until: silent + 6_000 },
      { at: silent - random.between(2_000, 4_000), kind: "write", app, how: "update" },
      { at: silent, kind: "link", node, state: "silent", until: silent + 8_000 },
      ...burst(random, silent - 1_000, silent + 6_000, nodes, app, 80),
    ];
  },
  /** More messages than the log keeps, while a node is away for a moment. */
  function trimmedLog(random, nodes, apps) {
    const at = random.between(FAULTS_FROM, 18_000);
    const until = at + random.between(500, 3_000);
    const events: StoryEvent[] = [
      {
        at,
        kind: "link",
        node: random.integer(0, nodes - 1),
        state: random.pick(["cut", "silent"] as const),
        until,
      },
    ];
    for (let time = at + 50; time < until; time += random.between(50, 400)) {
      const app = random.integer(0, apps - 1);
      events.push({ at: time, kind: "write", app, how: "update" });
      events.push(
        ...burst(random, at - 500, at, nodes, app, 4),
        ...burst(random, until, until + 4_000, nodes, app, 8),
      );
    }
    return events;
  },
  /** Neither Redis nor the table: what is held is all there is. */
  function blackout(random, nodes, apps) {
    const at = random.between(FAULTS_FROM, 8_000);
    const app = random.integer(0, apps - 1);
    const until = at + random.between(10_000, 15_000);
    return [
      ...burst(random, at - 1_000, at, nodes, app, 5),
      { at, kind: "redis-down", until },
      { at: at + random.between(0, 3_000), kind: "table-failing", until },
      { at: at + random.between(0, 3_000), kind: "write", app, how: "update" },
      ...burst(random, at, until, nodes, app, 60),
    ];
  },
];

/** What a flush must do, when what it stands for is the only sign of a change. */
const DOUBTS: typeof PLOTS = [
  /** The change that was lost cannot be read for a while: what is held is served, and not for longer than it may be. */
  function lostAndUnreadable(random, nodes, apps) {
    const at = random.between(FAULTS_FROM + 2_000, 10_000);
    const app = random.integer(0, apps - 1);
    return [
      ...burst(random, at - 1_500, at - 500, nodes, app, 20),
      { at: at - 1_000, kind: "function-fast", until: at + 1_000 },
      { at, kind: "write", app, how: "update" },
      { at: at + 30, kind: "failover", missing: 1, silently: false },
      { at: at + 31, kind: "table-down", until: at + 14_000 },
      ...burst(random, at, at + 14_000, nodes, app, 60),
    ];
  },
  /** A read is on its way that was before the change. */
  function lostWhileReading(random, nodes, apps) {
    const at = random.between(FAULTS_FROM + 2_000, 15_000);
    const app = random.integer(0, apps - 1);
    return [
      { at: at - 2_000, kind: "function-fast", until: at + 1_000 },
      { at: at - 500, kind: "table-slow", until: at + 600 },
      { at: at - 500, kind: "write", app, how: "rotate-secret" },
      ...burst(random, at - 480, at, nodes, app, 30),
      { at, kind: "write", app, how: "update" },
      { at: at + 30, kind: "failover", missing: 1, silently: false },
      ...burst(random, at + 2_000, at + 9_000, nodes, app, 40),
    ];
  },
];

/** A node stands still with an answer of the index in its hands, and meanwhile another app takes over that key. */
function pausedWhileAsking(random: Random, nodes: number, apps: number): StoryEvent[] {
  const at = random.between(FAULTS_FROM, 10_000);
  const node = random.integer(0, nodes - 1);
  const former = random.integer(0, apps - 1);
  const next = (former + random.integer(1, apps - 1)) % apps;
  return [
    { at: at - 2_500, kind: "function-fast", until: at + 2_000 },
    { at: at - 2_400, kind: "write", app: former, how: "rekey" },
    { at: at - 100, kind: "table-slow", until: at + 500 },
    ...Array.from({ length: 40 }, (): StoryEvent => ({
      at: random.between(at - 100, at + 100),
      kind: "lookup",
      node,
      app: former,
      by: "former-key",
      connect: false,
    })),
    { at, kind: "node", node, how: "paused", until: at + random.between(7_000, 13_000) },
    { at: at + random.between(300, 2_000), kind: "write", app: next, how: "take-key" },
  ];
}

/** Where nobody tells who is the primary, what a second one takes is lost, and no promise is made: there is one at a time. */
function withoutSplit(event: StoryEvent): StoryEvent {
  if (event.kind !== "split") return event;
  const { at, missing, frozen } = event;
  return { at, kind: "failover", missing, silently: !frozen };
}

function sometimesDeaf(random: Random, event: StoryEvent): StoryEvent {
  return event.kind === "split" && random.chance(0.3) ? { ...event, deaf: true } : event;
}

function createSplit(random: Random, at: number): StoryEvent {
  return {
    at,
    kind: "split",
    promotions: random.integer(1, 3),
    frozen: random.chance(0.4),
    missing: random.pick([0, 0, 1, 2]),
    until: Math.min(FAULTS_UNTIL, at + random.between(3_000, 9_000)),
  };
}

/** Two servers that take writes, and what must not be believed then. */
const SPLITS: readonly ((random: Random, nodes: number, apps: number) => StoryEvent[])[] = [
  /** Changes come all the while, and the nodes have the app. */
  function changesMeanwhile(random, nodes, apps) {
    const at = random.between(FAULTS_FROM + 1_000, 12_000);
    const app = random.integer(0, apps - 1);
    const writes = Array.from({ length: random.integer(2, 6) }, (): StoryEvent => ({
      at: at + random.between(0, 5_000),
      kind: "write",
      app,
      how: random.pick(["update", "rotate-secret"] as const),
    }));
    return [
      { at: at - 500, kind: "function-fast", until: at + 8_000 },
      createSplit(random, at),
      ...writes,
      ...burst(random, at - 1_000, at + 12_000, nodes, app, 120),
    ];
  },
  /** One change, while a node's messages do not come: its lease alone decides. */
  function changeUnheard(random, nodes, apps) {
    const at = random.between(FAULTS_FROM + 1_000, 12_000);
    const app = random.integer(0, apps - 1);
    const written = at + random.between(500, 3_000);
    return [
      { at: at - 500, kind: "function-fast", until: at + 8_000 },
      { at, kind: "lossy-channel", until: written + 4_000 },
      createSplit(random, at),
      { at: written, kind: "write", app, how: "update" },
      ...burst(random, at - 500, written + 9_000, nodes, app, 120),
    ];
  },
  /** A batch is under way while the container freezes; a newer one overtakes it. */
  function frozenFunction(random, _, apps) {
    const at = random.between(FAULTS_FROM + 1_000, 10_000);
    const app = random.integer(0, apps - 1);
    const writes = Array.from({ length: 12 }, (__, i): StoryEvent => ({
      at: at + i * random.between(100, 500),
      kind: "write",
      app,
      how: "update",
    }));
    return [
      { at: at - 500, kind: "function-fast", until: at + 8_000 },
      ...writes,
      { at: at + 20, kind: "link", node: "function", state: "slow", until: at + 3_000 },
      {
        at: at + random.between(50, 3_000),
        kind: "function-frozen",
        until: at + random.between(6_000, 14_000),
      },
    ];
  },
];

/** One line for each event, for people. Lookups are left out unless asked for: there are many. */
export function tell({ events, ...parts }: Story, lookups = false): string {
  const lines = events
    .filter(({ kind }) => lookups || kind !== "lookup")
    .map(
      ({ at, kind, ...rest }) => `${(at / 1000).toFixed(3).padStart(8)} s  ${kind} ${JSON.stringify(rest)}`,
    );
  return [JSON.stringify(parts), ...lines].join("\n");
}
