import { type Bracket, functionSkew, skewInWords, skewOf } from "../../fleet/clock-skew.ts";
import { CLOCK_TOLERANCE_MS } from "../../protocol/plausible-lag.ts";
import type { LogEntry } from "../../protocol/live.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import { answeringOf, NO_ANSWER } from "./answering.ts";
import { type Check, ok, unseen, warning } from "./check.ts";

const NAME = "clocks";

/**
 * Whether all clocks agree with Redis'. Nothing that keeps an app right goes by them; lags and ages do.
 *
 * @param machine when this machine's clock was read, and what it said.
 * @param asked when the nodes answered.
 * @param last the function's last message in the log, read at the end of `asked`.
 */
export function checkClocks(
  machine: { readonly at: number; readonly read: Bracket },
  nodes: readonly RegisteredNode[],
  asked: Bracket,
  last: LogEntry | undefined,
): Check[] {
  const skews = [
    { whose: "this machine's", ms: skewOf(machine.at, machine.read) },
    ...nodes.flatMap(({ entry: { host, pid }, answer }) =>
      answer?.at === undefined
        ? []
        : [{ whose: `that of node ${host} ${pid}`, ms: skewOf(answer.at, asked) }],
    ),
    { whose: "the function's", ms: functionSkew(last, asked.to) },
  ].filter(({ ms }) => Math.abs(ms) > CLOCK_TOLERANCE_MS);
  const { isNone, inWords } = answeringOf(nodes);
  if (skews.length === 0 && isNone) return [unseen(NAME, `this machine and Redis agree; ${NO_ANSWER}`)];
  if (skews.length === 0) return [ok(NAME, `this machine, the nodes and Redis agree${inWords}`)];
  return skews.map(({ whose, ms }) =>
    warning(
      NAME,
      `${whose} is ${skewInWords(ms)}`,
      "Lags and ages are wrong by that much. Check NTP (chrony, systemd-timesyncd) there.",
    ),
  );
}
