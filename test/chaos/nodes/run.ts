import { setTimeout as pause } from "node:timers/promises";
import { quantile } from "../../../bench/statistics.ts";
import { Random } from "../../simulation/random.ts";
import { type ApiProbe, startApiProbe } from "./api-probe.ts";
import { type ConnectProbe, startConnectProbe } from "./connect-probe.ts";
import { type ChaosFleet, startChaosFleet } from "./fleet.ts";
import { openClients, type OpenClients } from "./open-clients.ts";
import type { RedisForm } from "./redis-forms.ts";
import { type Audience, startWriter } from "./writer.ts";

/** What goes wrong with a fleet, and how stale it may get meanwhile. */
export interface NodesFault {
  readonly name: string;
  readonly form: RedisForm;
  /** No answer may be older than this. Milliseconds. */
  readonly boundMs: number;
  /** Resolves when the fault is over. */
  happen(fleet: ChaosFleet, random: Random): Promise<void>;
}

/** What was seen from outside. Times in milliseconds; "stale" is how long after a write a node gave an older answer. */
export interface NodesOutcome {
  readonly fault: string;
  readonly redis: RedisForm;
  readonly seed: number;
  /** Writes to the table. */
  readonly changes: number;
  /** Answers of nodes to questions over their API. */
  readonly answers: number;
  readonly p50StaleMs: number;
  readonly p99StaleMs: number;
  readonly longestStaleMs: number;
  readonly boundMs: number;
  /** From the write to the close of the clients that must go: the longest. */
  readonly longestCloseMs: number;
  /** Changes that some node was never seen to follow. */
  readonly neverSeen: number;
  /** Answers older than one before, of the same node. */
  readonly wentBack: number;
  /** New connections and API calls refused, and open connections closed, of apps that always were as they should be. */
  readonly wronglyRefused: number;
  /** Clients of an app that is disabled, deleted or has another key, which were not closed. */
  readonly stillOpen: number;
  /** Nodes that ended by themselves. */
  readonly nodesDied: number;
  /** The first of what went wrong, in words. */
  readonly examples: readonly string[];
  /** Of a broken promise only: what the parts say of themselves. */
  readonly seenInside?: object;
}

export interface RunOptions {
  readonly dynamodbEndpoint: string;
  readonly seed: number;
  /** Writes a second. */
  readonly rate?: number;
  readonly withoutAgent?: boolean;
  /** How long everything may take to agree when the fault is over. Milliseconds. */
  readonly settleMs?: number;
}

const NODES = 4;
const BEFORE_MS = 2_000;
const AFTER_MS = 3_000;
/** Events that happen once are spread over the fault and what is around it. */
const SPREAD_MS = 12_000;

/** Runs one fault, on parts of its own, while the table is written and the nodes are asked. */
export async function runNodesFault(fault: NodesFault, options: RunOptions): Promise<NodesOutcome> {
  const { dynamodbEndpoint, seed, rate = 20, withoutAgent = false, settleMs = 15_000 } = options;
  const fleet = await startChaosFleet({ dynamodbEndpoint, form: fault.form, nodes: NODES, withoutAgent });
  const stops: (() => void | Promise<void>)[] = [];
  try {
    const clients = await Promise.all(fleet.nodes.map(({ port }) => openClients(port)));
    stops.push(...clients.map((one) => () => one.stop()));
    const api = fleet.nodes.map(({ port }, i) => startApiProbe(port, `${seed}/api/${i}`));
    stops.push(...api.map((one) => () => one.stop()));
    const connects = fleet.nodes.map(({ port }, i) => startConnectProbe(port, `${seed}/connect/${i}`));
    stops.push(...connects.map((one) => () => one.stop()));
    const writer = startWriter({
      table: fleet.table,
      random: new Random(`${seed}/writer`),
      audience: audienceOf(api, connects, clients),
      rate,
      spreadMs: SPREAD_MS,
    });
    stops.push(() => writer.stop());
    await pause(BEFORE_MS);
    await fault.happen(fleet, new Random(`${seed}/fault`));
    await pause(AFTER_MS);
    await writer.stop();
    await settled(api, connects, clients, settleMs);
    const died = fleet.nodes.flatMap((node) => node.died ?? []);
    const outcome = outcomeOf(fault, seed, writer.changes, died, api, connects, clients);
    return broken(outcome).length === 0 ? outcome : { ...outcome, seenInside: await seenInside(fleet) };
  } finally {
    for (const stop of stops.reverse()) await stop();
    await fleet.stop();
  }
}

/** Of a broken promise: what the parts say of themselves, to tell whose it was. */
async function seenInside(fleet: ChaosFleet): Promise<object> {
  const nodes = fleet.nodes.map(async (node) => {
    const metrics = await node.now().metrics();
    const names =
      /^(flushes|replays|redis_errors|load_errors|stale_served|voided_reads|stale_found|messages)_total/;
    return Object.fromEntries(Object.entries(metrics).filter(([name]) => names.test(name)));
  });
  return { functionFailingMs: fleet.functionFailingMs(), nodes: await Promise.all(nodes) };
}

function audienceOf(api: ApiProbe[], connects: ConnectProbe[], clients: OpenClients[]): Audience {
  return {
    wrote(appId, version, at) {
      for (const one of api) one.wrote(appId, version, at);
    },
    expect(key, outcome, at) {
      for (const one of connects) one.expect(key, outcome, at);
    },
    mustClose(appId, at) {
      for (const one of clients) one.mustClose(appId, at);
    },
  };
}

async function settled(
  api: ApiProbe[],
  connects: ConnectProbe[],
  clients: OpenClients[],
  limitMs: number,
): Promise<void> {
  const open = () =>
    api.some(({ sightings }) => [...sightings.values()].some(({ isPending }) => isPending)) ||
    connects.some(({ unsettled }) => unsettled.size > 0) ||
    clients.some(({ stillOpen }) => stillOpen.length > 0);
  const until = performance.now() + limitMs;
  while (open() && performance.now() < until) await pause(20);
}

function outcomeOf(
  fault: NodesFault,
  seed: number,
  changes: number,
  died: string[],
  api: ApiProbe[],
  connects: ConnectProbe[],
  clients: OpenClients[],
): NodesOutcome {
  const sightings = api.flatMap((one) => [...one.sightings.entries()]);
  const stale = [
    ...sightings.flatMap(([, one]) => one.settled),
    ...connects.flatMap(({ settled: all }) => all),
  ];
  const pending = [
    ...sightings.map(([, { pendingStaleMs }]) => pendingStaleMs),
    ...connects.flatMap(({ unsettled }) => [...unsettled.values()]),
  ];
  const unsettled = connects.flatMap((one) => [...one.unsettled.keys()]);
  const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0);
  const neverSeen = sum(sightings.map(([, { unseen }]) => unseen)) + unsettled.length;
  const refused = [
    ...api.flatMap((one) => one.refused),
    ...connects.flatMap((one) => one.refused),
    ...clients.flatMap(({ wronglyClosed }) => wronglyClosed.map((id) => `closed: ${id}`)),
  ];
  const longest = connects.map((one) => one.longest).sort((a, b) => b.staleMs - a.staleMs)[0];
  const stillOpen = clients.flatMap((one) => one.stillOpen);
  return {
    fault: fault.name,
    redis: fault.form,
    seed,
    changes,
    answers: sum(api.map(({ asked }) => asked)),
    p50StaleMs: Math.round(quantile(stale, 0.5)),
    p99StaleMs: Math.round(quantile(stale, 0.99)),
    longestStaleMs: Math.round(Math.max(...stale, ...pending)),
    boundMs: fault.boundMs,
    longestCloseMs: Math.round(Math.max(0, ...clients.flatMap(({ closed }) => closed))),
    neverSeen,
    wentBack: sum(sightings.map(([, one]) => one.wentBack)),
    wronglyRefused: refused.length,
    stillOpen: stillOpen.length,
    nodesDied: died.length,
    examples: [
      ...died.map((how) => `died: ${how}`),
      ...sightings.filter(([, { unseen }]) => unseen > 0).map(([id]) => `never seen: ${id}`),
      ...unsettled.map((key) => `never seen: ${key}`),
      ...refused.map((text) => `refused: ${text}`),
      ...stillOpen.map((id) => `still open: ${id}`),
      ...(longest && longest.staleMs > fault.boundMs ? [`stale: ${longest.what}`] : []),
    ].slice(0, 8),
  };
}

/** What of an outcome breaks a promise, in words; nothing when all is well. */
export function broken(outcome: NodesOutcome): string[] {
  const { neverSeen, wentBack, wronglyRefused, stillOpen, longestStaleMs, boundMs, nodesDied } = outcome;
  return [
    ...(nodesDied > 0 ? [`${nodesDied} nodes died`] : []),
    ...(neverSeen > 0 ? [`${neverSeen} changes never seen`] : []),
    ...(wentBack > 0 ? [`${wentBack} answers went back`] : []),
    ...(wronglyRefused > 0 ? [`${wronglyRefused} wrongly refused`] : []),
    ...(stillOpen > 0 ? [`${stillOpen} connections still open`] : []),
    ...(longestStaleMs > boundMs ? [`${longestStaleMs} ms stale, ${boundMs} ms allowed`] : []),
  ];
}
