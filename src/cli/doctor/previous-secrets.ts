import { previousSecretUses } from "../../fleet/previous-secret-uses.ts";
import { soketiNodesOf } from "../../fleet/soketi-nodes.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import { ago } from "../support/ago.ts";
import { amount } from "../support/amount.ts";
import { asArgument, inLine } from "../support/app-name.ts";
import { timeOf } from "../../app/iso-time.ts";
import { answeringOf, NO_ANSWER } from "./answering.ts";
import { type Check, ok, skipped, unseen, warning } from "./check.ts";

const NAME = "previous secrets";

/** What is refused now and then, long after, is somebody's forgotten script. Milliseconds. */
const RECENTLY_MS = 86_400_000;

/**
 * Whether rotations are over for everybody: what still signs with the secret of before, and is refused.
 *
 * @param now milliseconds since 1970.
 */
export function checkPreviousSecrets(nodes: readonly RegisteredNode[], now: number): Check[] {
  const running = soketiNodesOf(nodes);
  const known = running.filter(({ answer }) => answer?.previousSecrets !== undefined);
  if (running.length === 0) return [];
  if (answeringOf(running).isNone) return [unseen(NAME, NO_ANSWER)];
  if (known.length === 0) return [skipped(NAME, "no node reports them")];
  const uses = [...previousSecretUses(known).values()];
  const refused = uses.filter(
    ({ lastRefusedAt }) => lastRefusedAt !== null && now - lastRefusedAt < RECENTLY_MS,
  );
  if (refused.length > 0) {
    return refused.map(({ appId, until, refused: count, lastRefusedAt }) =>
      warning(
        `previous secret of ${inLine(appId)}`,
        `its overlap ended at ${timeOf(until)}, and ${amount(count, "use")} ${count === 1 ? "was" : "were"} refused since, the last ${ago(now - (lastRefusedAt ?? now))}`,
        "A publisher or backend still uses it: update it, or admit it with a later AppSecretPreviousUntil. " +
          `"soketi-app-sync apps end-overlap ${asArgument(appId)}" ends this.`,
      ),
    );
  }
  const others = running.length - known.length;
  const taken = uses.filter(({ until }) => now < until * 1_000).length;
  const found = taken === 0 ? "none was used" : `${amount(taken, "app")} used it during an overlap`;
  return [
    ok(NAME, others === 0 ? found : `${found}, on ${known.length} of ${amount(running.length, "node")}`),
  ];
}
