import { setTimeout as pause } from "node:timers/promises";
import type { SoketiNode } from "../../../local/soketi-node.ts";
import { cli, jsonLines } from "../../support/cli.ts";
import { accepts, eventually, type Fleet, item, startFleet } from "../../support/fleet.ts";
import { openSigned, type SignedClient } from "../../support/signed-client.ts";
import { Publisher, type Tally } from "./publisher.ts";
import { startChannelReceiver, type ChannelReceiver } from "./receiver.ts";

export interface RotationRunOptions {
  readonly dynamodbEndpoint: string;
  readonly redisUrl: string;
  readonly rotations: number;
  /** False: the old secret is refused at once. */
  readonly overlap: boolean;
  /** 4 by default. */
  readonly nodes?: number;
  /** 8 by default; every other one changes over late. */
  readonly publishers?: number;
}

/** What was seen from outside. */
export interface RotationOutcome extends Tally {
  readonly overlap: boolean;
  readonly rotations: number;
  /** Channels that were joined and left: two webhooks each. */
  readonly channels: number;
  readonly webhooksLost: number;
  /** Webhooks that neither the secret of when they came signs, nor the one before or after it. */
  readonly badlySigned: number;
  /** Of the connections that were open all the time. */
  readonly connectionsClosed: number;
  /** What the nodes have counted of the previous secrets. */
  readonly previousTaken: number;
  readonly seconds: number;
}

const APP = "rotating";

/** Longer than a run takes from one rotation to the next. */
const OVERLAP = "10m";

/** Rounds of each publisher, before half of them change over late, and before the next rotation. */
const ROUNDS = 1;

/**
 * A fleet whose app gets one new secret after the other, by the command line, while publishers go on: half of them know the
 * new one at once, the others later.
 */
export async function runRotations(options: RotationRunOptions): Promise<RotationOutcome> {
  const begun = performance.now();
  const { nodes: size = 4, publishers: crowd = 8 } = options;
  const secrets = [`${APP}-secret`];
  const receiver = await startChannelReceiver(secrets);
  const fleet = await startFleet(options);
  try {
    const nodes = await Promise.all(Array.from({ length: size }, () => fleet.node()));
    await createApp(fleet, nodes, receiver.url);
    const open = await Promise.all(nodes.map(({ port }) => openSigned(port, `${APP}-key`)));
    for (const client of open) await client.signsIn(`${APP}-secret`);
    const seen = new Set<string>();
    const tally = noTally();
    let number = 0;
    const publishers = Array.from({ length: crowd }, (_, i) => {
      const ports = nodes.map((__, j) => nodes[(i + j) % nodes.length]?.port ?? 0);
      const common = { appId: APP, key: `${APP}-key`, secret: `${APP}-secret`, ports, tally };
      return new Publisher({
        ...common,
        nextChannel: () => `room-${(number += 1)}`,
        onChannel: (name) => seen.add(name),
      });
    });
    const running = Promise.all(publishers.map((publisher) => publisher.run()));
    // One that does not get an answer ends the run, and not only itself.
    await Promise.race([running, rotateAll(options, { fleet, publishers, secrets, open })]);
    for (const publisher of publishers) publisher.stop();
    await running;
    await settled(receiver, seen);
    const outcome = await outcomeOf(options, { tally, seen, receiver, open, nodes });
    return { ...outcome, seconds: Math.round((performance.now() - begun) / 1_000) };
  } finally {
    await fleet.stop();
    await receiver.stop();
  }
}

async function createApp(fleet: Fleet, nodes: readonly SoketiNode[], url: string): Promise<void> {
  const webhook = { url, event_types: ["channel_occupied", "channel_vacated"] };
  const attributes = {
    Webhooks: { S: JSON.stringify([webhook]) },
    EnableUserAuthentication: { BOOL: true },
  };
  await fleet.table.put(item(APP, attributes));
  for (const node of nodes) await eventually("the app", () => accepts(node, APP, `${APP}-secret`));
}

interface Rotated {
  readonly fleet: Fleet;
  readonly publishers: readonly Publisher[];
  readonly secrets: string[];
  readonly open: readonly SignedClient[];
}

async function rotateAll(
  { rotations, overlap }: RotationRunOptions,
  { fleet, publishers, secrets, open }: Rotated,
): Promise<void> {
  const env = fleet.commandEnv;
  const apps = async (command: string, ...args: string[]) => {
    const result = await cli(["apps", command, APP, "--json", ...args], { env });
    if (result.status !== 0) throw new Error(`Could not ${command} ${APP}: ${result.stderr}`);
    return jsonLines<{ secret?: string }>(result)[0]?.secret;
  };
  const early = publishers.filter((_, i) => i % 2 === 0);
  const late = publishers.filter((_, i) => i % 2 === 1);
  for (let i = 0; i < rotations; i += 1) {
    await rounds(publishers);
    for (const client of open) client.ping();
    const secret = await apps("rotate-secret", ...(overlap ? ["--overlap", OVERLAP] : []));
    if (secret === undefined) throw new Error("expected a new secret, found none");
    secrets.push(secret);
    for (const publisher of early) publisher.secret = secret;
    await rounds(publishers);
    for (const publisher of late) publisher.secret = secret;
    await rounds(publishers);
    if (overlap) await apps("end-overlap");
  }
  await rounds(publishers);
}

/** Each has begun and ended that many rounds with what it knows now. */
async function rounds(publishers: readonly Publisher[]): Promise<void> {
  const until = publishers.map((publisher) => publisher.rounds + ROUNDS + 1);
  await eventually(
    "the publishers to go on",
    () => Promise.resolve(publishers.every((publisher, i) => publisher.rounds >= (until[i] ?? 0))),
    300_000,
  );
}

/** Waits until all webhooks have come, or none comes any more. */
async function settled(receiver: ChannelReceiver, seen: ReadonlySet<string>): Promise<void> {
  let count = -1;
  let since = performance.now();
  while (receiver.missing(seen) > 0 && performance.now() - since < 20_000) {
    if (receiver.count !== count) since = performance.now();
    ({ count } = receiver);
    await pause(50);
  }
}

interface Seen {
  readonly tally: Tally;
  readonly seen: ReadonlySet<string>;
  readonly receiver: ChannelReceiver;
  readonly open: readonly SignedClient[];
  readonly nodes: readonly SoketiNode[];
}

async function outcomeOf(
  { overlap, rotations }: RotationRunOptions,
  { tally, seen, receiver, open, nodes }: Seen,
): Promise<Omit<RotationOutcome, "seconds">> {
  const metrics = await Promise.all(nodes.map((node) => node.metrics()));
  const taken = metrics.map((one) => one[`previous_secret_taken_total{app_id="${APP}"}`] ?? 0);
  const connectionsClosed = open.filter((client) => client.isClosed()).length;
  for (const client of open) client.close();
  return {
    overlap,
    rotations,
    ...tally,
    channels: seen.size,
    webhooksLost: receiver.missing(seen),
    badlySigned: receiver.badlySigned,
    connectionsClosed,
    previousTaken: taken.reduce((sum, count) => sum + count, 0),
  };
}

function noTally(): Tally {
  return {
    requests: 0,
    subscriptions: 0,
    signIns: 0,
    refusedRequests: 0,
    refusedSubscriptions: 0,
    refusedSignIns: 0,
  };
}

/** What of a run with an overlap breaks the promise, in words; nothing when all is well. */
export function brokenRotation(outcome: RotationOutcome): string[] {
  const { refusedRequests, refusedSubscriptions, refusedSignIns } = outcome;
  const counts = {
    "requests refused": refusedRequests,
    "subscriptions refused": refusedSubscriptions,
    "sign-ins refused": refusedSignIns,
    "webhooks lost": outcome.webhooksLost,
    "webhooks badly signed": outcome.badlySigned,
    "connections closed": outcome.connectionsClosed,
  };
  return Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
}
