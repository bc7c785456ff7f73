import type { PipelineConfig } from "../../../src/config/pipeline.ts";
import { type MessageId, parseMessageId } from "../../../src/protocol/message-id.ts";
import { createFleet, type Fleet } from "../../../src/redis/fleet.ts";
import { openPipelineRedis } from "../../../src/redis/pipeline-connection.ts";
import type { VirtualTime } from "../virtual-time.ts";
import type { Deployment } from "./deployment.ts";
import { createLibrary } from "./library.ts";
import type { Link } from "./link.ts";

const NAME = "reader";

/** Milliseconds. */
const READ_EVERY_MS = 1_000;

/** How old what is read may be: a server's role is looked at once a second, and another connection takes a moment. */
const BOUND_MS = 3_500;

/** As tools have it (src/cli/support/tools.ts). */
const TIMEOUTS = { connectMs: 3_000, commandMs: 4_000, retriesPerCommand: 2 };

export interface ReaderOptions {
  readonly time: VirtualTime;
  readonly link: Link;
  readonly config: PipelineConfig;
  readonly deployment: Deployment;
  readonly violated: (what: string) => void;
}

interface Look {
  readonly at: number;
  readonly last: MessageId | undefined;
  /** Who connects now gets to the primary. */
  readonly isReached: boolean;
}

/** A tool that shows the log, and never writes: nothing refuses what it does on a server that is not the primary. */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #fleet: Fleet;
  /** What the primary's log had, each time that it was read. */
  readonly #looks: Look[] = [];

  constructor(options: ReaderOptions) {
    this.#options = options;
    const { time, link, config, deployment } = options;
    const library = createLibrary({
      process: { time, owner: NAME, link },
      resolve: deployment.resolve,
      onSent: () => undefined,
    });
    const { connection } = openPipelineRedis(config, TIMEOUTS, () => undefined, { environment: {}, library });
    this.#fleet = createFleet(connection, config.names);
    const again = () => {
      void this.#read();
      time.after(READ_EVERY_MS, again, NAME);
    };
    time.after(READ_EVERY_MS, again, NAME);
  }

  async #read(): Promise<void> {
    const { time, deployment, violated } = this.#options;
    this.#looks.push({ at: time.now, last: this.#lastOfPrimary(), isReached: deployment.leadsToPrimary });
    const found = await this.#fleet.tail().catch(() => undefined);
    if (!found) return;
    const earlier = this.#looks.filter(({ at }) => at <= time.now - BOUND_MS);
    const { at = 0, last } = earlier.at(-1) ?? {};
    if (last?.epoch !== found.epoch || found.seq >= last.seq) return;
    if (this.#looks.slice(earlier.length - 1).some(({ isReached }) => !isReached)) return;
    violated(
      `reader: message ${found.seq} is the newest that it finds, and ${last.seq} was there ${(time.now - at).toFixed(0)} ms before`,
    );
  }

  #lastOfPrimary(): MessageId | undefined {
    const { deployment, config } = this.#options;
    const [row] = deployment.primary.keys.run("XREVRANGE", [config.names.log, "+", "-", "COUNT", "1"], 0) as [
      string,
    ][];
    return parseMessageId(row?.[0] ?? "");
  }
}
