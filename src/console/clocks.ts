import { type Bracket, functionSkew, skewOf } from "../fleet/clock-skew.ts";
import { CLOCK_TOLERANCE_MS } from "../protocol/plausible-lag.ts";
import type { LogEntry } from "../protocol/live.ts";
import type { RegisteredNode } from "../protocol/node.ts";
import type { ClockSkew } from "./state.ts";

/** Which clocks differ, as far as each look tells. */
export class Clocks {
  #ofFunction = 0;
  #ofNodes = new Map<string, number>();
  #ofConsole = 0;

  /** The log's last message has just come. @param now Redis' clock. */
  heard(last: LogEntry, now: number): void {
    this.#ofFunction = functionSkew(last, now);
  }

  /** @param own this machine's clock, read within `asked`. */
  asked(nodes: readonly RegisteredNode[], asked: Bracket, own: number): void {
    this.#ofConsole = skewOf(own, asked);
    this.#ofNodes = new Map(
      nodes.flatMap(({ id, answer }) => (answer?.at === undefined ? [] : [[id, skewOf(answer.at, asked)]])),
    );
  }

  /** Whether times between the function and a node mean something. */
  isComparable(node: string): boolean {
    return !isWrong(this.#ofFunction) && !isWrong(this.#ofNodes.get(node) ?? 0);
  }

  list(): ClockSkew[] {
    const skews: ClockSkew[] = [
      { of: "function", node: null, ms: this.#ofFunction },
      { of: "console", node: null, ms: this.#ofConsole },
      ...[...this.#ofNodes].map(([node, ms]): ClockSkew => ({ of: "node", node, ms })),
    ];
    return skews.filter(({ ms }) => isWrong(ms));
  }
}

function isWrong(ms: number): boolean {
  return Math.abs(ms) > CLOCK_TOLERANCE_MS;
}
