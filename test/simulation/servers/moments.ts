import type { Random } from "../random.ts";
import type { StoryEvent } from "../story.ts";
import { burst } from "../lookups.ts";
import type { RedisForm } from "./deployment.ts";

export interface Scene {
  readonly form: RedisForm;
  readonly nodes: number;
  readonly apps: number;
  readonly events: readonly StoryEvent[];
}

/** When it begins and ends, and all that happens meanwhile but lookups. */
export interface Moment {
  readonly from: number;
  readonly until: number;
  readonly events: readonly StoryEvent[];
}

export type CreateMoment = (random: Random, nodes: number, apps: number) => Moment;

/** How many of the stories have one. */
const SHARE = 0.25;

/**
 * A story in which, for some seconds, nothing goes on but what matters only together and to some milliseconds: in no number of
 * seeds that anybody waits for would it come about by chance.
 */
export function withMoment(random: Random, { form, nodes, apps, events }: Scene): StoryEvent[] {
  if (!random.chance(SHARE)) return [...events];
  const moment = random.pick(form === "sentinel" ? [...OF_SENTINELS, ...OF_ALL] : OF_ALL)(
    random,
    nodes,
    apps,
  );
  return alone(events, moment);
}

/** Of a story's other events only those that are no fault, and no writes meanwhile. */
export function alone(events: readonly StoryEvent[], moment: Moment): StoryEvent[] {
  const isApart = ({ at, kind }: StoryEvent) =>
    kind === "lookup" ||
    kind === "all-agree" ||
    (kind === "write" && (at < moment.from || at > moment.until));
  return [...events.filter(isApart), ...moment.events];
}

/** What only sentinels can tell of: elsewhere it is a loss that nobody sees. */
const OF_SENTINELS: readonly CreateMoment[] = [
  /**
   * The primary is another one for less than a second, and then the former one again, with nothing of what was written
   * meanwhile. A node that sleeps through it finds the server that it knows, at the number that it knows.
   */
  function promotedAgain(random, nodes, apps) {
    const at = random.between(6_000, 14_000);
    const app = random.integer(0, apps - 1);
    const node = random.integer(0, nodes - 1);
    const forMs = random.between(600, 900);
    const back = at + forMs;
    return {
      from: at - 2_500,
      until: back + 5_000,
      events: [
        { at: at - 2_000, kind: "function-fast", until: back + 2_000 },
        { at: at - 1_500, kind: "write", app, how: "update" },
        ...burst(random, at - 1_000, at - 100, nodes, app, 30),
        { at: at - 20, kind: "node", node, how: "paused", until: back + random.between(20, 200) },
        { at, kind: "flap", forMs },
        { at: at + random.between(20, 150), kind: "write", app, how: "update" },
        ...burst(random, back, back + 9_000, nodes, app, 90),
      ],
    };
  },
  /**
   * A function that is far writes to a primary that was replaced, and when it asks, that is the primary again. A lease of the
   * one between is of after the write, and knows nothing of it.
   */
  function lateQuestion(random, nodes, apps) {
    const at = random.between(7_000, 13_000);
    const app = random.integer(0, apps - 1);
    const written = at + random.between(2_300, 2_800);
    const back = written + random.between(420, 560);
    return {
      from: at - 3_500,
      until: written + 6_000,
      events: [
        { at: at - 3_000, kind: "function-far", until: written + 2_500 },
        { at: at - 3_000, kind: "function-fast", until: written + 1_000 },
        { at: at - 2_500, kind: "write", app, how: "update" },
        { at, kind: "flap", forMs: back - at },
        ...burst(random, written - 600, written, nodes, app, 12 * nodes),
        { at: written, kind: "write", app, how: "update" },
        ...Array.from({ length: nodes }, (_, node): StoryEvent => ({
          at: back,
          kind: "link",
          node,
          state: "silent",
          until: back + 6_000,
        })),
        ...burst(random, written + 2_800, written + 3_800, nodes, app, 60 * nodes),
      ],
    };
  },
];

const OF_ALL: readonly CreateMoment[] = [
  /** A batch waits for a connection that hangs, while its container is frozen until long after its deadline. */
  function frozenWhileConnecting(random, _, apps) {
    const at = random.between(5_000, 12_000);
    const app = random.integer(0, apps - 1);
    const thaw = at + random.between(5_500, 9_000);
    return {
      from: at - 3_000,
      until: thaw,
      events: [
        { at: at - 2_000, kind: "function-fast", until: thaw + 1_000 },
        { at: at - 1_500, kind: "write", app, how: "update" },
        { at: at - 1_000, kind: "link", node: "function", state: "cut", until: at - 800 },
        {
          at: at - 700,
          kind: "link",
          node: "function",
          state: "silent",
          until: at + random.between(300, 900),
        },
        { at, kind: "write", app, how: "update" },
        { at: at + random.between(15, 250), kind: "function-frozen", until: thaw },
      ],
    };
  },
];
