import { setTimeout as pause } from "node:timers/promises";
import { eventually, startFleet } from "../../support/fleet.ts";
import { Random } from "../../simulation/random.ts";
import { ChattyApp } from "./app.ts";
import { type QueueDriver, startQueue } from "./queues.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

export interface WebhooksRunOptions {
  readonly queue: QueueDriver;
  readonly dynamodbEndpoint: string;
  readonly redisUrl: string;
  readonly seed: number;
  /** Client events that another client heard. */
  readonly events: number;
  readonly rotations: number;
  readonly rekeys: number;
  /** How long the queue may take for what is in it at the end, without anything coming out. Milliseconds. */
  readonly silenceMs?: number;
}

/** What was seen from outside. */
export interface WebhooksOutcome {
  readonly queue: QueueDriver;
  readonly events: number;
  readonly rotations: number;
  readonly rekeys: number;
  /** Client events that a client heard, and no receiver got. */
  readonly lost: number;
  /** Client events that a receiver got more than once. */
  readonly twice: number;
  /** Webhooks that neither the secret of now nor the one before signs. */
  readonly badlySigned: number;
  /** Channels whose clients were closed for a change. */
  readonly closedChannels: number;
  /** Those whose `channel_vacated` did not come exactly once. */
  readonly closingsLost: number;
  readonly retried: number;
  readonly dropped: number;
  readonly died: boolean;
  readonly seconds: number;
  /** The first of what went wrong. */
  readonly examples: readonly string[];
}

const APPS = 4;
/** Between two client events of an app: what the queue is able to take. Milliseconds. */
const EVERY_MS: Record<QueueDriver, number> = { sync: 20, redis: 20, sqs: 20 };

/** A real node, its webhooks in a real queue, clients that talk all the time, and apps that change beside them. */
export async function runWebhooks(options: WebhooksRunOptions): Promise<WebhooksOutcome> {
  const { queue: driver, silenceMs = 30_000, ...fleetOptions } = options;
  const begun = performance.now();
  const queue = await startQueue(driver);
  const fleet = await startFleet(fleetOptions);
  const apps: ChattyApp[] = [];
  const receiver = await startReceiver((id) => apps.find((app) => app.id === id)?.secrets ?? []);
  try {
    const node = await fleet.node({ env: queue.env, args: queue.args });
    const state = { died: false, isOver: false };
    void node.child.exited.then(() => (state.died = !state.isOver));
    const heard = new Set<number>();
    let number = 0;
    for (let i = 0; i < APPS; i += 1) {
      const id = `chatty-${i}`;
      const app = new ChattyApp({
        id,
        port: node.port,
        table: fleet.table,
        url: receiver.urlOf(id),
        everyMs: EVERY_MS[driver],
        nextNumber: () => (number += 1),
        onHeard: (one) => heard.add(one),
      });
      await app.create();
      await app.isFollowed();
      apps.push(app);
    }
    const talks = apps.map((app) => app.talk());
    await change(apps, () => heard.size, options);
    await untilHeard(() => heard.size, options.events);
    // What their clients leave behind is still promised.
    for (const app of apps) await app.delete();
    await Promise.all(talks);
    await settled(receiver, heard, apps, silenceMs);
    const { died } = state;
    const metrics = died ? {} : await node.metrics();
    state.isOver = true;
    return outcomeOf(options, { receiver, heard, apps, metrics, died, begun });
  } finally {
    await fleet.stop();
    await receiver.stop();
    await queue.stop();
  }
}

/** Rotations and new keys, spread over the client events. */
async function change(
  apps: readonly ChattyApp[],
  heard: () => number,
  { seed, events, rotations, rekeys }: WebhooksRunOptions,
): Promise<void> {
  const random = new Random(`${seed}/webhooks`);
  const when = (kind: "rotate" | "rekey", count: number) =>
    Array.from({ length: count }, () => ({ kind, at: random.integer(1, events - 1) }));
  const changes = [...when("rotate", rotations), ...when("rekey", rekeys)].sort((a, b) => a.at - b.at);
  for (const { kind, at } of changes) {
    await untilHeard(heard, at);
    const app = random.pick(apps);
    if (kind === "rekey")
      await eventually(`the clients of ${app.id} to talk`, () => Promise.resolve(app.isTalking));
    await app[kind]();
  }
}

function untilHeard(heard: () => number, count: number): Promise<void> {
  return eventually(`${count} client events`, () => Promise.resolve(heard() >= count), 600_000);
}

/** Waits until all has come, or nothing comes any more. */
async function settled(
  receiver: Receiver,
  heard: ReadonlySet<number>,
  apps: readonly ChattyApp[],
  silenceMs: number,
): Promise<void> {
  let size = -1;
  let since = performance.now();
  const missing = () =>
    [...heard].some((one) => !receiver.events.has(one)) ||
    apps.some((app) => app.vacated.some((channel) => !receiver.vacated.has(nameIn(app, channel))));
  while (missing() && performance.now() - since < silenceMs) {
    const now = receiver.events.size + receiver.vacated.size;
    if (now !== size) since = performance.now();
    size = now;
    await pause(50);
  }
  // What comes twice comes soon after.
  await pause(1_000);
}

interface Seen {
  readonly receiver: Receiver;
  readonly heard: ReadonlySet<number>;
  readonly apps: readonly ChattyApp[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly died: boolean;
  readonly begun: number;
}

function outcomeOf(options: WebhooksRunOptions, seen: Seen): WebhooksOutcome {
  const { receiver, heard, apps, metrics, died, begun } = seen;
  const lost = [...heard].filter((one) => !receiver.events.has(one));
  const twice = [...receiver.events].filter(([, times]) => times > 1).map(([one]) => one);
  const closed = apps.flatMap((app) => app.vacated.map((channel) => nameIn(app, channel)));
  const closingsLost = closed.filter((channel) => receiver.vacated.get(channel) !== 1);
  const dropped = Object.entries(metrics).filter(([name]) => name.startsWith("webhooks_dropped_total"));
  return {
    queue: options.queue,
    events: heard.size,
    rotations: options.rotations,
    rekeys: options.rekeys,
    lost: lost.length,
    twice: twice.length,
    badlySigned: receiver.badlySigned.length,
    closedChannels: closed.length,
    closingsLost: closingsLost.length,
    retried: metrics.webhooks_retried_total ?? 0,
    dropped: dropped.reduce((sum, [, count]) => sum + count, 0),
    died,
    seconds: Math.round((performance.now() - begun) / 1_000),
    examples: [
      ...lost.map((one) => `lost: event ${one}`),
      ...twice.map((one) => `twice: event ${one}`),
      ...closingsLost.map((channel) => `vacated ${receiver.vacated.get(channel) ?? 0} times: ${channel}`),
      ...receiver.badlySigned,
      ...dropped.flatMap(([name, count]) => (count > 0 ? [`${name} ${count}`] : [])),
    ].slice(0, 8),
  };
}

function nameIn(app: ChattyApp, channel: string): string {
  return `${app.id} ${channel}`;
}

/** What of an outcome breaks the promise, in words; nothing when all is well. */
export function brokenWebhooks(outcome: WebhooksOutcome): string[] {
  const { lost, twice, badlySigned, closingsLost, died } = outcome;
  const counts = { lost, twice, "badly signed": badlySigned, "closings lost": closingsLost };
  return [
    ...(died ? ["the node ended"] : []),
    ...Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : [])),
  ];
}
