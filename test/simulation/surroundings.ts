import type { AgentSettings } from "../../src/agent/agent-options.ts";
import type { LambdaWeather } from "./lambda.ts";
import type { NodeRedis } from "./node.ts";
import type { Random } from "./random.ts";
import type { Story, StoryEvent } from "./story.ts";
import type { Version } from "./table.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** One shard of the stream, with the function that it is given to. */
export interface Shard {
  /** Everything that was written is published. */
  readonly isEmpty: boolean;
  write(before: Version, after: Version): void;
}

/** Redis, the function, and the network around them. */
export interface Surroundings {
  readonly shards: readonly Shard[];
  /** The way to Redis of a node that is started, in the place of one that was there before. */
  connect(node: number, name: string, random: Random): NodeRedis;
  /** What goes wrong with any of them. */
  happen(event: StoryEvent): void;
}

export interface SurroundingsParts {
  readonly time: VirtualTime;
  readonly story: Story;
  readonly settings: AgentSettings;
  readonly lambda: LambdaWeather;
  readonly violated: (what: string) => void;
}
