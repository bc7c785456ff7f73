import { timeOf } from "../../app/iso-time.ts";
import { normalize } from "../../app/normalize.ts";
import { END_OF_OVERLAP, OVERLAP_ATTRIBUTES } from "../../app/normalize-overlap.ts";
import { within } from "../../async/within.ts";
import type { Attributes, RawItem } from "../../aws/raw-item.ts";
import { previousSecretUses } from "../../fleet/previous-secret-uses.ts";
import { soketiNodesOf } from "../../fleet/soketi-nodes.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import { ago } from "../support/ago.ts";
import { amount } from "../support/amount.ts";
import { asArgument, inLine } from "../support/app-name.ts";
import type { Run } from "../support/command.ts";
import { orRefused } from "../support/confirm.ts";
import { RefusedChangeError } from "../support/errors.ts";
import { explain } from "../support/explain.ts";
import { unanswered } from "../support/unanswered.ts";

/** Apps whose uses are told. */
const MAX_USES = 20;

/** A Redis that does not answer has the change refused in its own time; who only tells does not add to it. Milliseconds. */
const MAX_LOOK_MS = 2_000;

export interface RotationOptions {
  /** Milliseconds; undefined: the old secret is refused at once. */
  readonly overlap?: number | undefined;
  /** Also while another overlap runs, and with nodes that know of none. */
  readonly force?: true | undefined;
}

/**
 * The attributes of an app with a new secret; and until when nodes take the one that it has now, in seconds since 1970.
 *
 * @throws RefusedChangeError where publishers would be refused that were promised otherwise.
 */
export function rotation(
  before: RawItem,
  secret: string,
  { overlap, force }: RotationOptions,
  now: number,
): { readonly attributes: Attributes; readonly until?: number | undefined } {
  const rotated = { AppSecret: { S: secret }, ...END_OF_OVERLAP };
  if (overlap === undefined) return { attributes: rotated };
  const { app } = normalize(before);
  if (!app)
    throw new RefusedChangeError(
      "expected a usable app, found one without a secret: rotate without --overlap",
    );
  const running = app.previousSecret?.until ?? 0;
  if (running * 1_000 > now && !force) {
    throw new RefusedChangeError(
      `expected no running overlap, found one until ${timeOf(running)}: anyone who still signs with the previous secret ` +
        `would be refused at once. Check with "get ${asArgument(app.id)}", end it with "apps end-overlap ${asArgument(app.id)}", or pass --force`,
    );
  }
  const until = Math.ceil((now + overlap) / 1_000);
  const previous = { AppSecretPrevious: { S: app.secret }, AppSecretPreviousUntil: { N: String(until) } };
  return { attributes: { ...rotated, ...previous }, until };
}

/** What has to be known before a secret is rotated. @throws RefusedChangeError as `rotation`. */
export async function checkRotation(run: Run, options: RotationOptions & Checks): Promise<void> {
  const { tools, terminal } = run;
  if (options.overlap === undefined) {
    terminal.note(
      "without --overlap, nodes refuse the old secret as soon as they know the new one; " +
        "with --overlap 24h they accept both meanwhile",
    );
    return;
  }
  if (!tools.config.redis) return;
  const nodes = await nodesOf(run, options);
  const old = nodes.filter(({ answer }) => answer && answer.previousSecrets === undefined);
  if (old.length > 0 && !options.force) {
    throw new RefusedChangeError(
      `expected agents that support overlaps on all nodes, found ${amount(old.length, "node")} with an older one, which ` +
        "would refuse the old secret at once. Upgrade them first, or pass --force",
    );
  }
}

/** Whoever does not wait for nodes makes the change although they cannot be asked, as the other changes do. */
interface Checks {
  readonly wait: boolean;
  readonly dryRun?: true | undefined;
}

async function nodesOf(run: Run, { wait, dryRun }: Checks): Promise<RegisteredNode[]> {
  const because = "nodes could not be asked whether they support overlaps";
  try {
    const nodes = await orRefused(run, because, async (fleet) => {
      const asked = await fleet.ask();
      for (const what of unanswered(fleet, asked)) {
        run.terminal.note(`not checked whether it supports overlaps: ${what}`);
      }
      return asked;
    });
    return soketiNodesOf(nodes);
  } catch (error) {
    if (wait && !dryRun) throw error;
    const { tools, terminal } = run;
    terminal.note(
      `${because}: ${explain(error instanceof Error ? error.cause : error, tools.config, tools.redisTrouble())}`,
    );
    return [];
  }
}

/** An overlap that ends now. @throws RefusedChangeError when there is none. */
export function endOfOverlap(before: RawItem, appId: string): Attributes {
  if (OVERLAP_ATTRIBUTES.some((name) => name in before)) return END_OF_OVERLAP;
  throw new RefusedChangeError(`expected an overlap of app ${inLine(appId)}, found none: nothing to end`);
}

/**
 * Tells who is going to be refused, and whom nobody knows that of. Redis away, and nodes that are silent, are no reason not to end
 * an overlap.
 */
export async function noteUsesOfPrevious(run: Run, appIds: readonly string[]): Promise<void> {
  const { terminal } = run;
  const uses = previousSecretUses(await nodesThatAnswer(run));
  const used = appIds.flatMap((appId) => {
    const { until, taken, lastTakenAt } = uses.get(appId) ?? {};
    return until !== undefined && until * 1_000 > Date.now() && taken && lastTakenAt
      ? [{ appId, taken, lastTakenAt }]
      : [];
  });
  for (const { appId, taken, lastTakenAt } of used.slice(0, MAX_USES)) {
    const when = ago(Date.now() - lastTakenAt);
    terminal.note(
      `the previous secret${appIds.length > 1 ? ` of ${inLine(appId)}` : ""} was used ${amount(taken, "time")}, last ${when}: with the overlap ended, it is refused`,
    );
  }
  if (used.length > MAX_USES) terminal.note(`… and those of ${amount(used.length - MAX_USES, "app")} more`);
}

/** None when they cannot be asked. Never rejects: it is told what was not looked at. */
async function nodesThatAnswer({ tools, terminal }: Run): Promise<readonly RegisteredNode[]> {
  const tell = (why: string) => terminal.note(`not checked who still uses the previous secret: ${why}`);
  if (!tools.config.redis) {
    tell("no Redis is configured");
    return [];
  }
  try {
    // To get there is waited for once, and the change needs it, too.
    const fleet = await tools.fleet();
    const nodes = await within(MAX_LOOK_MS, "the nodes' answers", fleet.ask());
    unanswered(fleet, nodes).forEach(tell);
    return nodes;
  } catch (error) {
    tell(explain(error, tools.config, tools.redisTrouble()));
    return [];
  }
}
