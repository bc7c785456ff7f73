import type { RegisteredNode } from "../../protocol/node.ts";
import type { MessageId } from "../../protocol/message-id.ts";
import { ago } from "../support/ago.ts";
import { amount } from "../support/amount.ts";
import { isKnownSoketi, KNOWN_SOKETI } from "../../soketi/known-versions.ts";
import { boundOf, viewOf } from "../../fleet/node-view.ts";
import { soketiNodesOf } from "../../fleet/soketi-nodes.ts";
import { answeringOf, NO_ANSWER } from "./answering.ts";
import { type Check, fail, ok, skipped, unseen, warning } from "./check.ts";
import { IF_GONE } from "../support/node-advice.ts";

/**
 * Whether every node follows, and all are of one version.
 *
 * @param version of this command line, which came with the agent.
 */
export function checkNodes(
  nodes: readonly RegisteredNode[],
  tail: MessageId | undefined,
  version: string,
  { expected, elsewhere, server, hasSharedCache }: FleetExpectations,
): Check[] {
  const running = soketiNodesOf(nodes);
  if (running.length === 0 && hasSharedCache && expected === undefined && elsewhere.length === 0) {
    return [
      skipped(
        "nodes",
        "none with the agent is registered: those on the shared cache cannot be seen",
        "If any has the agent, it uses another Redis or prefix: check with --expect N.",
      ),
    ];
  }
  if (running.length === 0) {
    const hint =
      elsewhere.length > 0 ? ` Some are at ${elsewhere.slice(0, 3).join(", ")}: set APP_SYNC_PREFIX.` : "";
    return [
      fail(
        "nodes",
        expected === undefined ? "no node is registered" : `expected ${amount(expected, "node")}, found none`,
        `Start soketi with the agent (docs/agent.md), on this Redis and with this prefix.${hint}`,
      ),
    ];
  }
  const leases = running.flatMap((node) => checkLease(node, tail));
  return [
    checkNumber(running, expected),
    ...(leases.length > 0 ? leases : [ok("leases", "every node has one")]),
    ...checkServer(running, server),
    ...checkVersions(running, version),
  ];
}

/** What cannot be seen of the nodes alone. */
export interface FleetExpectations {
  /** How many there must be; undefined where nobody said. */
  readonly expected: number | undefined;
  /** Prefixes of other logs on the same Redis, at which nodes are registered. */
  readonly elsewhere: readonly string[];
  /** The Redis that the pipeline's variables lead to, as nodes tell theirs; undefined of a cluster, which has several. */
  readonly server: string | undefined;
  /** A fleet on a shared cache may have no node with the agent. */
  readonly hasSharedCache: boolean;
}

function checkNumber(running: readonly RegisteredNode[], expected: number | undefined): Check {
  const there = running.filter(({ answer }) => answer).length;
  if (expected !== undefined && there < expected) {
    return fail(
      "nodes",
      `expected ${amount(expected, "node")}, found ${there} that answer`,
      "The others are down, have lost Redis, run without the agent, or use another Redis or prefix.",
    );
  }
  const hint = "; a soketi without the agent cannot be seen: use --expect N";
  return ok("nodes", `${amount(running.length, "node")} registered${expected === undefined ? hint : ""}`);
}

const SERVER = "nodes' redis";

/** Whether all follow one Redis, and the one that the pipeline publishes on. */
function checkServer(nodes: readonly RegisteredNode[], server: string | undefined): Check[] {
  const telling = nodes.filter(({ answer }) => answer?.server !== undefined);
  const [first] = telling;
  if (!first) return [unseen(SERVER, answeringOf(nodes).isNone ? NO_ANSWER : "no node reports its Redis")];
  const wanted = server ?? first.answer?.server;
  const others = telling.filter(({ answer }) => answer?.server !== wanted);
  if (others.length === 0) {
    const found = server === undefined ? "all on the same" : "all on that of the pipeline's variables";
    return [ok(SERVER, `${found}${answeringOf(nodes).inWords}`)];
  }
  const names = others.slice(0, 3).map(({ entry: { host, pid } }) => `${host} ${pid}`);
  return [
    fail(
      SERVER,
      `${amount(others.length, "node")} on another server than ${server === undefined ? "the rest" : "the pipeline"}: ${names.join(", ")}`,
      "Two servers accept writes: a failover in progress, or a split. What the function publishes does not reach these nodes. Check " +
        "Sentinel, or what the host name resolves to there.",
    ),
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
        `it vanished, last seen ${ago(lastSeenMsAgo)}`,
        `It was killed, is frozen, or lost Redis: then ${boundOf([view])} without a new read. Check the process. ${IF_GONE}`,
      ),
    ];
  }
  if (!answers) {
    return [
      fail(
        name,
        "it does not answer",
        `It died, or lost Redis: then ${boundOf([view])} without a new read. Check its log and its connection to ` +
          "Redis.",
      ),
    ];
  }
  if (leaseMsLeft === 0) {
    const advice = `Until it has one, ${boundOf([view])} without a new read. Check its log: the connection to Redis, or the user's rights.`;
    return [fail(name, `it has no lease and is ${state ?? "unknown"}`, advice)];
  }
  if (behind === null)
    return [
      fail(name, "it follows another log", "It switches to this one within seconds; if not, restart it."),
    ];
  return behind > 10
    ? [warning(name, `it is ${behind} messages behind`, "Check again; if it stays behind, check its log.")]
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
          "Upgrade the nodes' agent.cjs and this command line to one version. They are compatible meanwhile.",
        ),
    unknown.length === 0
      ? ok("soketi version", sokets.join(", "))
      : warning(
          "soketi version",
          `expected ${KNOWN_SOKETI}, found ${unknown.join(", ")}`,
          "The agent's hooks are made for 1.6: check that the node's log says attached, and test before you rely on it.",
        ),
  ];
}
