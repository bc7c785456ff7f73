import { setTimeout as pause } from "node:timers/promises";
import { normalize } from "../../app/normalize.ts";
import type { Problem } from "../../app/problems.ts";
import { type PublicApp, toPublicView } from "../../app/public-view.ts";
import type { RawItem } from "../../aws/raw-item.ts";
import { soketiNodesOf } from "../../fleet/soketi-nodes.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import { asArgument, inLine } from "../support/app-name.ts";
import { explain } from "../support/explain.ts";
import { problemsFor } from "../support/server-problems.ts";
import type { Tools } from "../support/tools.ts";
import { unanswered } from "../support/unanswered.ts";
import { type CachedOnNode, cachedOnNodes, isStale } from "./cached-entries.ts";
import { overlapOf, type OverlapView } from "./overlap-view.ts";
import { type SharedCacheEntry, sharedCacheEntries } from "./shared-cache-entries.ts";

/** One app as it is everywhere. What could not be checked is undefined, and `unchecked` says why. */
export interface AppReport {
  readonly appId: string;
  readonly item: RawItem | undefined;
  /** Null where the item is none that nodes can use. */
  readonly app: PublicApp | null;
  readonly problems: readonly (Omit<Problem, "code"> & { readonly code: string })[];
  readonly cache: readonly SharedCacheEntry[] | undefined;
  readonly overlap: OverlapView | undefined;
  readonly nodes: readonly CachedOnNode[] | undefined;
  readonly unchecked: readonly string[];
}

/** By then a change that is on its way has arrived, unless the pipeline stands still. Milliseconds. */
const SETTLE_MS = 3_000;

/** Between two looks. Milliseconds. */
const POLL_INTERVAL_MS = 300;

/**
 * What is known of an app, once nothing is on its way any more: a node may be asked between a write and the news of it, and only what
 * stays different is wrong.
 *
 * @param item undefined: the table has none.
 * @param others ids of apps that share its key, or whose id it has as its key.
 */
export async function reportOf(
  tools: Tools,
  appId: string,
  item: RawItem | undefined,
  others: readonly string[],
): Promise<AppReport> {
  const until = performance.now() + SETTLE_MS;
  let report = await look(tools, appId, item, others);
  while (wrongIn(report).length > 0 && performance.now() < until) {
    await pause(POLL_INTERVAL_MS);
    report = await look(tools, appId, await (await tools.items()).get(appId), others);
  }
  return report;
}

/** Where something else is served than the table says: a sentence for each place. */
export function wrongIn({ appId, app, nodes = [], cache = [] }: AppReport): string[] {
  const advice = `soketi-app-sync doctor finds out why, soketi-app-sync invalidate ${asArgument(appId)} makes nodes read it again`;
  return [
    ...nodes
      .filter((held) => isStale(held, app))
      .map(
        ({ host, pid }) =>
          `node ${host} ${pid} holds another state of ${inLine(appId)} than the table: ${advice}`,
      ),
    ...cache
      .filter(({ isWrong }) => isWrong)
      .map(
        ({ name, is }) => `shared cache: ${name} is ${is}: soketi-app-sync sweep repairs it, or says why not`,
      ),
  ];
}

async function look(
  tools: Tools,
  appId: string,
  item: RawItem | undefined,
  others: readonly string[],
): Promise<AppReport> {
  const { config } = tools;
  const normalized = normalize(item ?? {});
  const unchecked: string[] = config.redis ? [] : ["nodes: no Redis is configured"];
  // Redis away is no reason to keep what the table says back.
  const orUnchecked = <T>(what: string, work: Promise<T>): Promise<T | undefined> =>
    work.catch((error: unknown) => {
      unchecked.push(`${what}: ${explain(error, config, tools.redisTrouble())}`);
      return undefined;
    });
  const answered = config.redis ? await orUnchecked("nodes", askNodes(tools, appId, unchecked)) : undefined;
  const nodes = answered && cachedOnNodes(answered);
  const overlap = overlapOf(normalized, answered, Date.now());
  const cache = config.sharedCache
    ? await orUnchecked("shared cache", sharedCacheEntries(tools, appId, normalized.app))
    : undefined;
  const shared = others.map((other) => ({
    attribute: "AppKey",
    severity: "error" as const,
    code: "key-shared",
    message: `App ${other} has the same key, or one is the other's id: chance decides which one a client reaches.`,
  }));
  const more = normalized.app ? problemsFor(config)(normalized.app) : [];
  const problems = item ? [...shared, ...normalized.problems, ...more] : [];
  const app = normalized.app ? toPublicView(normalized.app) : null;
  return { appId, item, app, problems, overlap, cache, nodes, unchecked };
}

/** Adds those that do not answer to `unchecked`. Rejects with RedisError. */
async function askNodes(tools: Tools, appId: string, unchecked: string[]): Promise<RegisteredNode[]> {
  const fleet = await tools.fleet();
  const nodes = await fleet.ask({ appId });
  unchecked.push(...unanswered(fleet, nodes));
  for (const { entry, answer } of soketiNodesOf(nodes)) {
    if (!answer || answer.holds !== undefined) continue;
    unchecked.push(`node ${entry.host} ${entry.pid}: it does not say what it holds`);
  }
  return nodes;
}
