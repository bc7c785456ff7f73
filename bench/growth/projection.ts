/** What each more costs, as `npm run bench:growth` measures it. CPU in microseconds, network in bytes. */
export interface Slopes {
  /** Heap of a node for one more cached app. */
  readonly bytesPerEntry: number;
  /** Redis, for one more node: its heartbeat of one second. */
  readonly heartbeatCpu: number;
  readonly heartbeatBytes: number;
  /** Redis, for each node that a message goes to: with one change, and with 100. */
  readonly messageCpu: number;
  readonly messageBytes: number;
  readonly fullMessageCpu: number;
  readonly fullMessageBytes: number;
  /** A node, for one more write: of an app that it does not hold, and of one that it holds and reads again. */
  readonly writeCpu: number;
  readonly heldWriteCpu: number;
  /** One more app in the table. */
  readonly sweepSeconds: number;
}

interface FleetSize {
  readonly name: string;
  readonly nodes: number;
  readonly apps: number;
  readonly writesPerSecond: number;
  /** Apps that a node has in use. */
  readonly held: number;
}

const FLEETS: readonly FleetSize[] = [
  { name: "small", nodes: 10, apps: 1_000, writesPerSecond: 0.1, held: 500 },
  { name: "large", nodes: 300, apps: 50_000, writesPerSecond: 10, held: 2_000 },
  { name: "vast", nodes: 10_000, apps: 1_000_000, writesPerSecond: 1_000, held: 2_000 },
];

/** Lambda polls a shard four times a second; a message holds up to 100 changes. */
const POLLS_PER_SECOND = 4;
const CHANGES_OF_A_MESSAGE = 100;
/** DynamoDB on demand, us-east-1, for a million consistent reads of up to 4 kB. From memory: check it. */
const DOLLARS_PER_MILLION_READS = 0.125;
const SECONDS_OF_A_MONTH = 30 * 86_400;

/** What a fleet costs, from the slopes alone. */
export function project(slopes: Slopes, { nodes, apps, writesPerSecond, held }: FleetSize) {
  const messages = Math.max(
    Math.min(writesPerSecond, POLLS_PER_SECOND),
    writesPerSecond / CHANGES_OF_A_MESSAGE,
  );
  /** From a message of one change to one of 100, in a straight line. */
  const ofMessage = (one: number, full: number) =>
    one + ((full - one) * (writesPerSecond / messages - 1)) / (CHANGES_OF_A_MESSAGE - 1);
  const heldWrites = (writesPerSecond * held) / apps;
  return {
    /** Shares of one core. */
    redisHeartbeats: (nodes * slopes.heartbeatCpu) / 1e6,
    redisMessages: (nodes * messages * ofMessage(slopes.messageCpu, slopes.fullMessageCpu)) / 1e6,
    /** Bytes a second. */
    redisTraffic:
      nodes * (slopes.heartbeatBytes + messages * ofMessage(slopes.messageBytes, slopes.fullMessageBytes)),
    nodeTraffic: slopes.heartbeatBytes + messages * ofMessage(slopes.messageBytes, slopes.fullMessageBytes),
    nodeCpu: ((writesPerSecond - heldWrites) * slopes.writeCpu + heldWrites * slopes.heldWriteCpu) / 1e6,
    nodeHeap: held * slopes.bytesPerEntry,
    /** Reads a second of the fleet: apps that changed and are in use; and the verifier's one a second of each node. */
    reloads: nodes * heldWrites,
    verifies: nodes,
    dollarsOfReloads: (nodes * heldWrites * SECONDS_OF_A_MONTH * DOLLARS_PER_MILLION_READS) / 1e6,
    dollarsOfVerifies: (nodes * SECONDS_OF_A_MONTH * DOLLARS_PER_MILLION_READS) / 1e6,
    sweepSeconds: apps * slopes.sweepSeconds,
  };
}

const percent = (share: number) => `${Number((share * 100).toPrecision(2))} %`;
const perSecond = (bytes: number) =>
  bytes >= 1e9
    ? `${(bytes / 1e9).toFixed(1)} GB/s`
    : bytes >= 1e6
      ? `${(bytes / 1e6).toFixed(1)} MB/s`
      : `${(bytes / 1e3).toFixed(1)} kB/s`;
const whole = (value: number) => Math.round(value).toLocaleString("en");

/** As Markdown, for docs/scale.md. */
export function projectionTable(slopes: Slopes): string {
  const all = FLEETS.map((fleet) => ({ fleet, cost: project(slopes, fleet) }));
  const row = (name: string, of: (one: (typeof all)[number]) => string) =>
    `| ${[name, ...all.map(of)].join(" | ")} |`;
  return [
    row("", ({ fleet }) => fleet.name),
    `|${"---|".repeat(all.length + 1)}`,
    row("nodes", ({ fleet }) => whole(fleet.nodes)),
    row("apps", ({ fleet }) => whole(fleet.apps)),
    row("writes a second", ({ fleet }) => String(fleet.writesPerSecond)),
    row("apps in use on a node", ({ fleet }) => whole(fleet.held)),
    row("Redis: CPU of heartbeats", ({ cost }) => percent(cost.redisHeartbeats)),
    row("Redis: CPU of messages", ({ cost }) => percent(cost.redisMessages)),
    row("Redis: traffic", ({ cost }) => perSecond(cost.redisTraffic)),
    row("a node: traffic", ({ cost }) => perSecond(cost.nodeTraffic)),
    row("a node: CPU", ({ cost }) => percent(cost.nodeCpu)),
    row("a node: heap of the cache", ({ cost }) => `${(cost.nodeHeap / 1e6).toFixed(1)} MB`),
    row("DynamoDB reads a second: apps that changed", ({ cost }) => whole(cost.reloads)),
    row("a month, on demand", ({ cost }) => `$${whole(cost.dollarsOfReloads)}`),
    row("DynamoDB reads a second: verifiers", ({ cost }) => whole(cost.verifies)),
    row("a month, on demand", ({ cost }) => `$${whole(cost.dollarsOfVerifies)}`),
    row(
      "sweep of the table, for fleets on the shared cache",
      ({ cost }) => `${cost.sweepSeconds.toFixed(1)} s`,
    ),
  ].join("\n");
}
