import type { RegisteredNode } from "../../protocol/node.ts";
import type { MessageId } from "../../protocol/message-id.ts";
import { ago } from "../support/ago.ts";
import { amount } from "../support/amount.ts";
import { isKnownSoketi, KNOWN_SOKETI } from "../../soketi/known-versions.ts";
import { boundOf, viewOf } from "../../fleet/node-view.ts";
import { type Check, fail, ok, warning } from "./check.ts";

/**
 * Whether every node follows, and all are of one version.
 *
 * @param version of this command line, which came with the agent.
 * @param elsewhere prefixes of other logs on the same Redis, at which nodes are registered.
 */
export function checkNodes(
  nodes: readonly RegisteredNode[],
  tail: MessageId | undefined,
  version: string,
  elsewhere: readonly string[],
): Check[] {
  const running = nodes.filter(({ entry }) => entry.soketi !== undefined);
  if (running.length === 0) {
    const hint =
      elsewhere.length > 0 ? ` Some are at ${elsewhere.slice(0, 3).join(", ")}: set APP_SYNC_PREFIX.` : "";
    return [
      warning(
        "nodes",
        "no node is registered",
        `Start soketi with the agent (README), on this Redis and with this prefix.${hint}`,
      ),
    ];
  }
  const leases = running.flatMap((node) => checkLease(node, tail));
  return [
    ok("nodes", `${amount(running.length, "node")} registered`),
    ...(leases.length > 0 ? leases : [ok("leases", "every node has one")]),
    ...checkVersions(running, version),
  ];
}

function checkLease(node: RegisteredNode, tail: MessageId | undefined): Check[] {
  const view = viewOf(node, tail);
  const { host, pid, answers, leaseMsLeft, state, behind, lastSeenMsAgo } = view;
  const name = `node ${host} ${pid}`;
  if (lastSeenMsAgo !== null) {
    return [
      fail(
        name,
        `it left without saying so, and was seen last ${ago(lastSeenMsAgo)}`,
        `It was killed, is frozen, or has lost Redis: then ${boundOf([view])} without a new read. Look at the process. Gone for ` +
          "good: soketi-app-sync nodes --forget",
      ),
    ];
  }
  if (!answers) {
    return [
      fail(
        name,
        "it does not answer",
        `It has died, or has lost Redis: then ${boundOf([view])} without a new read. Look at its log and at its way to ` +
          "Redis.",
      ),
    ];
  }
  if (leaseMsLeft === 0) {
    const advice = `Until it has one, ${boundOf([view])} without a new read. Look at its log: its way to Redis, or Redis' rights.`;
    return [fail(name, `it has no lease, and is ${state ?? "unknown"}`, advice)];
  }
  if (behind === null)
    return [
      fail(
        name,
        "it follows another log",
        "It comes to this one by itself within seconds; if not, restart it.",
      ),
    ];
  return behind > 10
    ? [warning(name, `it is ${behind} messages behind`, "Look again; if it stays so, look at its log.")]
    : [];
}

function checkVersions(nodes: readonly RegisteredNode[], version: string): Check[] {
  const agents = [...new Set(nodes.map(({ entry }) => entry.agent))].sort();
  const sokets = [...new Set(nodes.map(({ entry }) => entry.soketi ?? ""))].sort();
  const unknown = sokets.filter((soketi) => !isKnownSoketi(soketi));
  return [
    agents.length === 1 && agents[0] === version
      ? ok("agent version", version)
      : warning(
          "agent version",
          `expected ${version} on every node, found ${agents.join(", ")}`,
          "Bring the nodes' agent.cjs and this command line to one version. They understand each other meanwhile.",
        ),
    unknown.length === 0
      ? ok("soketi version", sokets.join(", "))
      : warning(
          "soketi version",
          `expected ${KNOWN_SOKETI}, found ${unknown.join(", ")}`,
          "The agent's hooks were read off 1.6: see that the node's log says attached, and test before you rely on it.",
        ),
  ];
}
