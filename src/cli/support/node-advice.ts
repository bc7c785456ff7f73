import { amount } from "./amount.ts";

/** What to do about nodes that vanished, and do not come back. */
export const IF_GONE = "If gone for good: soketi-app-sync nodes --forget";

/** The same, where the nodes that have to confirm may be counted instead. */
export const IF_GONE_OR_EXPECT = `${IF_GONE}; or pass --expect with the number of nodes`;

/**
 * What to say when fewer nodes were found than `--expect` says.
 *
 * @param what they were to do, as "to confirm". Default: to be there.
 */
export function tooFewNodes(expected: number, found: number, what = ""): string {
  return (
    `expected ${amount(expected, "node")}${what === "" ? "" : ` ${what}`}, found ${found}: ` +
    "nodes without the agent, or on another Redis or prefix, cannot be seen"
  );
}
