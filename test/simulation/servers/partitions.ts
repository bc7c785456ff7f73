import { burst } from "../lookups.ts";
import type { Random } from "../random.ts";
import type { StoryEvent } from "../story.ts";
import { type RedisForm, sentinelHost, serverHost, type Side } from "./deployment.ts";
import { alone, type CreateMoment, type Moment, type Scene } from "./moments.ts";

/** How many of the stories have one. */
const SHARE = 0.15;

/** A connection is found out and made anew: at once, or past a server and a sentinel that say nothing. Milliseconds. */
const RECONNECTED_MS = { both: 1_000, new: 4_000 } as const;

/**
 * A story in which the network is broken between some processes and some of Redis, and nothing else happens. Undefined for most
 * seeds.
 */
export function withPartition(
  random: Random,
  { form, nodes, apps, events }: Scene,
): StoryEvent[] | undefined {
  if (!random.chance(SHARE)) return undefined;
  return alone(events, random.pick(MOMENTS[form])(random, nodes, apps));
}

const SIDES: readonly Side[] = ["former", "new", "both"];

/** For a story in which the first server is the primary. */
function partition(
  random: Random,
  {
    at,
    promotedAt,
    until,
    nodes,
    who,
  }: Record<"at" | "promotedAt" | "until", number> & {
    readonly nodes: readonly Side[];
    readonly who: Side;
  },
): Extract<StoryEvent, { kind: "partition" }> {
  const heardMs = random.pick([5, 100, 1_000]);
  return {
    at,
    kind: "partition",
    sentinel: random.integer(0, 2),
    nodes,
    function: who,
    promoted: random.integer(1, 2),
    promotedAt,
    heardMs,
    until,
    settled: who === "former" ? until : Math.min(until, promotedAt + heardMs + RECONNECTED_MS[who]),
  };
}

/** Nodes and function on either side, or on both, while changes come. */
function sides(random: Random, nodes: number, apps: number): Moment {
  const at = random.between(4_000, 6_000);
  const until = at + random.pick([8_000, 12_000, 18_500]);
  const promotedAt = at + random.between(300, 1_500);
  const app = random.integer(0, apps - 1);
  const writes = Array.from({ length: random.integer(2, 5) }, (): StoryEvent => ({
    at: at + random.between(0, 6_000),
    kind: "write",
    app,
    how: random.pick(["update", "rotate-secret"] as const),
  }));
  return {
    from: at - 1_000,
    until: until + 2_000,
    events: [
      { at: at - 1_500, kind: "function-fast", until },
      { at: at - 500, kind: "write", app, how: "update" },
      partition(random, {
        at,
        promotedAt,
        until,
        nodes: Array.from({ length: nodes }, () => random.pick(SIDES)),
        who: random.pick(SIDES),
      }),
      ...writes,
      ...burst(random, at - 500, until + 4_000, nodes, app, 150),
    ],
  };
}

/** The same, while this and that is not reached for a while. */
function tangled(random: Random, nodes: number, apps: number): Moment {
  const moment = sides(random, nodes, apps);
  const places = [0, 1, 2].flatMap((i) => [serverHost(i), sentinelHost(i)]);
  const outages = Array.from({ length: random.integer(1, 4) }, (): StoryEvent => {
    const at = random.between(moment.from, moment.until - 2_000);
    return {
      at,
      kind: "unreachable",
      who: random.pick(["function", random.integer(0, nodes - 1)] as const),
      hosts: random.shuffled(places).slice(0, random.integer(1, 3)),
      state: random.pick(["cut", "silent"] as const),
      until: at + random.between(0.1, 1) * random.pick([100, 1_000, 4_000]),
    };
  });
  return { ...moment, events: [...moment.events, ...outages] };
}

/** An append is on its way while another server is promoted. It arrives, and is lost. */
function promotedMeanwhile(random: Random, nodes: number, apps: number): Moment {
  const at = random.between(5_000, 12_000);
  const until = at + random.between(5_000, 10_000);
  const promotedAt = at + random.between(1_000, 2_000);
  // By then the function has asked who is the primary.
  const written = promotedAt - random.between(250, 450);
  const app = random.integer(0, apps - 1);
  return {
    from: at - 3_500,
    until: until + 2_000,
    events: [
      { at: at - 3_000, kind: "function-fast", until },
      { at: at - 2_500, kind: "write", app, how: "update" },
      { at: at - 1_000, kind: "function-far", until: written + 3_000 },
      partition(random, { at, promotedAt, until, nodes: everywhere(nodes, "both"), who: "both" }),
      { at: written, kind: "write", app, how: "update" },
      ...burst(random, at, until, nodes, app, 60),
    ],
  };
}

/** An append's connection breaks, and the next one leads to the former primary: it is made there, where nobody hears of it. */
function sentElsewhere(random: Random, nodes: number, apps: number): Moment {
  return elsewhere(random, nodes, apps, () => []);
}

/** The same; and when the witnesses answer, the connection leads to the primary again. */
function sentElsewhereAndBack(random: Random, nodes: number, apps: number): Moment {
  return elsewhere(random, nodes, apps, ({ written, sentinel }) => {
    const answered = written + 310;
    return [
      {
        at: written + 105,
        kind: "unreachable",
        who: "function",
        hosts: [0, 1, 2].filter((i) => i !== sentinel).map(sentinelHost),
        state: "silent",
        until: answered,
      },
      {
        at: answered - random.between(1, 10),
        kind: "unreachable",
        who: "function",
        hosts: [serverHost(0)],
        state: "cut",
        until: answered + 20,
      },
    ];
  });
}

/** @param then what happens once the connection leads to the former primary. */
function elsewhere(
  random: Random,
  nodes: number,
  apps: number,
  then: (at: { readonly written: number; readonly sentinel: number }) => StoryEvent[],
): Moment {
  const { written, promoted, ...moment } = afterPartition(random, nodes, apps);
  return {
    ...moment,
    events: [
      ...moment.events,
      ...lostOnTheWay(written, promoted),
      ...then({ written, sentinel: moment.sentinel }),
      ...burst(random, written - 1_500, written + 6_000, nodes, moment.app, 100),
    ],
  };
}

/** All have gone over to the new primary, but for one sentinel, and the former one is reached again by the function. */
function afterPartition(random: Random, nodes: number, apps: number) {
  const at = random.between(4_000, 8_000);
  const promotedAt = at + random.between(300, 1_000);
  const written = promotedAt + random.between(5_000, 6_000);
  const app = random.integer(0, apps - 1);
  const apart = partition(random, {
    at,
    promotedAt,
    until: written + 7_000,
    nodes: everywhere(nodes, "new"),
    who: "both",
  });
  const events: StoryEvent[] = [
    { at: at - 1_500, kind: "function-fast", until: written + 7_000 },
    { at: at - 500, kind: "write", app, how: "update" },
    apart,
    // It leaves the former primary.
    { at: promotedAt + 2_500, kind: "write", app, how: "update" },
    { at: written, kind: "write", app, how: "update" },
  ];
  const { sentinel, promoted, until } = apart;
  return { from: at - 1_000, until, events, app, written, sentinel, promoted };
}

/** What the function sends to the primary is lost, and its socket ends. */
function lostOnTheWay(written: number, promoted: number): StoryEvent[] {
  const primary = { kind: "unreachable", who: "function", hosts: [serverHost(promoted)] } as const;
  return [
    { at: written - 10, ...primary, state: "silent", until: written + 100 },
    { at: written + 99, ...primary, state: "cut", until: written + 130 },
  ];
}

/** Replicas are asked whether they have an append, and the connection breaks: on the next one the question is of another server. */
function brokenWhileReplicating(random: Random, nodes: number, apps: number): Moment {
  const at = random.between(4_000, 8_000);
  const promotedAt = at + random.between(300, 1_000);
  const written = promotedAt + random.between(3_000, 4_000);
  const until = written + 8_000;
  const app = random.integer(0, apps - 1);
  return {
    from: at - 1_000,
    until: until + 1_000,
    events: [
      { at: at - 1_500, kind: "function-fast", until },
      { at: at - 500, kind: "write", app, how: "update" },
      partition(random, { at, promotedAt, until, nodes: everywhere(nodes, "new"), who: "both" }),
      { at: written, kind: "write", app, how: "update" },
      {
        at: written + random.between(30, 200),
        kind: "unreachable",
        who: "function",
        hosts: [serverHost(0)],
        state: "cut",
        until: written + 250,
      },
      ...burst(random, written - 1_500, written + 6_000, nodes, app, 100),
    ],
  };
}

/** The address moves on from a server that becomes a replica, and then gets nothing of the new primary. */
function leftBehind(random: Random, nodes: number, apps: number): Moment {
  const at = random.between(5_000, 9_000);
  const cut = at + random.between(2_000, 4_000);
  const until = cut + random.between(7_000, 11_000);
  const app = random.integer(0, apps - 1);
  const writes = Array.from({ length: random.integer(2, 5) }, (): StoryEvent => ({
    at: random.between(cut, cut + 3_000),
    kind: "write",
    app,
    how: "update",
  }));
  return {
    from: at - 1_000,
    until,
    events: [
      { at: at - 500, kind: "write", app, how: "update" },
      { at, kind: "failover", missing: 0, silently: true },
      { at: cut, kind: "replicas-cut", until },
      ...writes,
      ...burst(random, at, until, nodes, app, 60),
    ],
  };
}

function everywhere(nodes: number, side: Side): Side[] {
  return Array.from({ length: nodes }, () => side);
}

const OF_ADDRESSES: readonly CreateMoment[] = [leftBehind];

const MOMENTS: Record<RedisForm, readonly CreateMoment[]> = {
  sentinel: [sides, tangled, promotedMeanwhile, sentElsewhere, sentElsewhereAndBack],
  replicated: [sides, tangled, brokenWhileReplicating],
  address: OF_ADDRESSES,
  anonymous: OF_ADDRESSES,
};
