import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { agentFile } from "../../../local/stack.ts";
import { startProxy, type TcpProxy } from "../../../local/tcp-proxy.ts";
import type { SoketiNode } from "../../../local/soketi-node.ts";
import { within } from "../../../src/async/within.ts";
import { Random } from "../../simulation/random.ts";
import { type Fleet, startFleet } from "../../support/fleet.ts";
import { CALM, CalmClients, type CalmOutcome } from "./calm.ts";
import { nameOf, type NodeKind, startParts } from "./nodes.ts";
import { startSlowReceiver } from "./slow-receiver.ts";
import { Tenants } from "./tenants.ts";
import { Upheaval } from "./upheaval.ts";
import { type Target, type Visit, visitCluster, visitHttp, visitSocket } from "./visits.ts";

export interface ClientsRunOptions {
  readonly kind: NodeKind;
  readonly dynamodbEndpoint: string;
  readonly redisUrl: string;
  readonly seed: number;
  /** Frames, requests, connections and datagrams. */
  readonly inputs: number;
  /** Without it the run ends with the node. Default: with. */
  readonly withAgent?: boolean;
}

export interface ClientsOutcome {
  readonly node: string;
  readonly inputs: number;
  /** Of apps, meanwhile. */
  readonly changes: number;
  readonly outages: number;
  /** How the node ended; undefined when it did not. */
  readonly ended: string | undefined;
  readonly calm: CalmOutcome;
  /** Connections, pings and requests that nobody answered. */
  readonly unanswered: number;
  /** What the node's guards have caught. */
  readonly caught: number;
  readonly webhooks: number;
  /** In use after a garbage collection: after a fifth of the inputs, and at the end. MB. */
  readonly warmMb: number;
  readonly endMb: number;
  readonly seconds: number;
  /** The first of what went wrong. */
  readonly examples: readonly string[];
}

/** Visitors at the same time. */
const VISITORS = 48;
/** Of the inputs, after which memory is measured first. */
const WARM_UP = 0.2;
/** What memory may grow by: the compiler and soketi's metrics go on for a while. MB. */
const FLAT_MB = 8;
const MEMORY_SCRIPT = fileURLToPath(new URL("../../support/report-memory.cjs", import.meta.url));

/** A real node, hostile clients at all of its ports, and calm ones beside them, while apps change and outages come and go. */
export async function runClients(options: ClientsRunOptions): Promise<ClientsOutcome> {
  const { kind, dynamodbEndpoint, redisUrl, inputs } = options;
  const seed = `${options.seed}/${nameOf(kind)}`;
  const begun = performance.now();
  const closers: (() => Promise<void>)[] = [];
  try {
    const receiver = await startSlowReceiver(seed);
    closers.unshift(() => receiver.stop());
    const parts = await startParts(kind);
    closers.unshift(() => parts.stop());
    const fleet = await startFleet({ dynamodbEndpoint, redisUrl });
    closers.unshift(() => fleet.stop());
    const links: TcpProxy[] = [];
    for (const url of [dynamodbEndpoint, redisUrl]) {
      const { hostname: host, port } = new URL(url);
      links.push(await startProxy({ host, port: Number(port) }));
    }
    closers.unshift(async () => {
      await Promise.all(links.map((link) => link.close()));
    });
    const tenants = new Tenants(fleet.table, new Random(`${seed}/tenants`), receiver.url);
    await tenants.create();
    await CalmClients.create(fleet.table);
    const watched = await startNode(fleet, links, { ...options, parts });
    const calm = await CalmClients.start(watched.node.port);
    const upheaval = new Upheaval({ seed, tenants, links: [...links, ...(parts.link ? [parts.link] : [])] });
    const crowd = new Crowd(watched, kind, seed, tenants);
    await crowd.visit(inputs * WARM_UP);
    const warmMb = await watched.memoryMb();
    await crowd.visit(inputs);
    await upheaval.stop();
    const outcome = await calm.finish(watched.ended() === undefined ? undefined : 0);
    const endMb = await watched.memoryMb();
    const ended = watched.ended();
    const metrics = ended === undefined ? await watched.node.metrics() : {};
    const caught = Object.entries(metrics).filter(([name]) => name.startsWith("guarded_total"));
    return {
      node: nameOf(kind),
      inputs: crowd.inputs,
      changes: upheaval.changes,
      outages: upheaval.outages,
      ended,
      calm: outcome,
      unanswered: crowd.unanswered.length,
      caught: caught.reduce((sum, [, count]) => sum + count, 0),
      webhooks: receiver.webhooks(),
      warmMb,
      endMb,
      seconds: Math.round((performance.now() - begun) / 1_000),
      examples: [
        ...(ended !== undefined && options.withAgent !== false
          ? [lastError(watched.node.child.output())]
          : []),
        ...crowd.unanswered.slice(0, 5),
        ...outcome.disturbed.slice(0, 5),
      ],
    };
  } finally {
    for (const close of closers) await close();
  }
}

/** What soketi writes before it ends: the error that nobody has caught. */
function lastError(output: string): string {
  const at = output.search(/\w*Error:/);
  return at < 0 ? output.slice(-500) : output.slice(at, at + 1_000);
}

interface WatchedNode {
  readonly node: SoketiNode;
  readonly clusterPort: number;
  readonly ended: () => string | undefined;
  /** In use after a garbage collection. 0 when there is no node any more. */
  memoryMb(): Promise<number>;
}

async function startNode(
  fleet: Fleet,
  [toDynamoDb, toRedis]: readonly TcpProxy[],
  { parts, withAgent = true }: ClientsRunOptions & { parts: Awaited<ReturnType<typeof startParts>> },
): Promise<WatchedNode> {
  let report: (line: string) => void = () => undefined;
  const scripts = [MEMORY_SCRIPT, ...(withAgent ? [agentFile] : [])];
  const clusterPort = 20_000 + Math.floor(Math.random() * 10_000);
  const node = await fleet.node({
    dynamodbEndpoint: `http://127.0.0.1:${toDynamoDb?.port ?? 0}`,
    redisUrl: `redis://127.0.0.1:${toRedis?.port ?? 0}`,
    args: parts.args,
    env: {
      ...parts.env,
      SOKETI_CLUSTER_PORT: `${clusterPort}`,
      NODE_OPTIONS: scripts.map((script) => `--require "${script}"`).join(" "),
    },
    onLine: (line) => report(line),
  });
  let ended: string | undefined;
  void node.child.exited.then((how) => {
    ended = how;
    report("ended");
  });
  return {
    node,
    clusterPort,
    ended: () => ended,
    async memoryMb() {
      // What closed last is let go.
      await pause(1_000);
      if (ended !== undefined) return 0;
      const reported = new Promise<number>((resolve) => {
        report = (line) => {
          if (line === "ended") resolve(0);
          const json = /^memory (.*)$/.exec(line)?.[1];
          if (json !== undefined) resolve((JSON.parse(json) as { used: number }).used);
        };
      });
      node.child.signal("SIGUSR2");
      return Math.round((await within(60_000, "the node to tell its memory", reported)) / 100_000) / 10;
    },
  };
}

/** Who visits a node, so many at a time. */
class Crowd {
  readonly unanswered: string[] = [];
  inputs = 0;
  #visits = 0;
  readonly #watched: WatchedNode;
  readonly #kinds: readonly Visit[];
  readonly #seed: string;
  readonly #target: Target;

  constructor(watched: WatchedNode, kind: NodeKind, seed: string, tenants: Tenants) {
    this.#watched = watched;
    this.#seed = seed;
    // Sockets have several inputs each.
    this.#kinds = [
      visitSocket,
      visitHttp,
      visitHttp,
      visitHttp,
      ...(kind.adapter === "cluster" ? [visitCluster] : []),
    ];
    const { port, metricsPort } = watched.node;
    this.#target = {
      port,
      metricsPort,
      clusterPort: watched.clusterPort,
      // Of the calm app they know what everybody does.
      tenant: (random) => (random.chance(0.2) ? { ...CALM, secret: "guessed" } : tenants.pick(random)),
      onUnanswered: (what) => {
        if (watched.ended() === undefined) this.unanswered.push(what);
      },
    };
  }

  /** Until there were so many inputs in all, or there is no node any more. */
  async visit(total: number): Promise<void> {
    const one = async () => {
      while (this.inputs < total && this.#watched.ended() === undefined) {
        const random = new Random(`${this.#seed}/visit ${(this.#visits += 1)}`);
        const inputs = await random.pick(this.#kinds)(this.#target, random);
        // Not in one: what others have added meanwhile would be lost.
        this.inputs += inputs;
      }
    };
    await Promise.all(Array.from({ length: VISITORS }, one));
  }
}

/** What of an outcome breaks the promise, in words; nothing when all is well. */
export function brokenClients(outcome: ClientsOutcome): string[] {
  const { ended, calm, unanswered, warmMb, endMb } = outcome;
  return [
    ...(ended === undefined ? [] : [`the node ${ended}`]),
    ...(calm.lost > 0 ? [`${calm.lost} messages of calm clients lost`] : []),
    ...(calm.twice > 0 ? [`${calm.twice} messages came twice`] : []),
    ...(calm.disturbed.length > 0
      ? [`${calm.disturbed.length} disturbances: ${calm.disturbed[0] ?? ""}`]
      : []),
    ...(unanswered > 0 ? [`${unanswered} unanswered`] : []),
    ...(endMb > warmMb + FLAT_MB ? [`memory grew from ${warmMb} to ${endMb} MB`] : []),
  ];
}
