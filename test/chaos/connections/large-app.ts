import { DEFAULT_CLOSE_CODES, DEFAULT_CLOSE_ON } from "../../../src/agent/close-causes.ts";
import { OpenConnections } from "../../../src/agent/open-connections.ts";
import { nextTurn } from "../../../src/async/next-turn.ts";
import { soketiConnections, watchNewConnections } from "../../../src/soketi/sockets.ts";
import type { SoketiAppObject, SoketiSocket } from "../../../src/soketi/server.ts";
import { SoketiInMemory, type Stalls, stallsDuring } from "../../support/soketi-in-memory.ts";

/** An app with many connections is deleted while its clients go on subscribing. */
export interface LargeAppOutcome {
  readonly connections: number;
  readonly subscriptionsPerSecond: number;
  /** From the deletion to the end of the last connection. Milliseconds. */
  readonly closedAfterMs: number;
  readonly meanwhile: Stalls;
  /** By the same subscriptions alone: the garbage collector moves what soketi keeps of them. */
  readonly before: Stalls;
  readonly stillOpen: number;
}

export interface LargeAppOptions {
  readonly connections: number;
  readonly subscriptionsPerSecond: number;
  readonly closesPerSecond: number;
}

const LIMIT_MS = 60_000;
/** How long the subscriptions are watched before anything is closed. Milliseconds. */
const BEFORE_MS = 10_000;

/**
 * Sockets are in memory: this machine does not hold so many real ones beside their clients. Everything else is soketi's own
 * (namespace, adapter, message handler) and the agent's.
 */
export async function runLargeApp(options: LargeAppOptions): Promise<LargeAppOutcome> {
  const { connections, subscriptionsPerSecond, closesPerSecond } = options;
  const clock = () => performance.now();
  const soketi = new SoketiInMemory({ own: true });
  const app = soketi.app("large");
  let current: SoketiAppObject | null = app;
  const open = new OpenConnections<SoketiAppObject>({
    connections: soketiConnections(soketi.server),
    cache: {
      inspect: () => ({ app: current, readMsAgo: 0, proven: true }),
      lookup: () => Promise.resolve(current),
      revalidate: () => Promise.resolve(current),
    },
    isLeaseHeld: () => true,
    roundEveryMs: 5_000,
    readsPerSecond: 100,
    fleetReadsPerSecond: 2_000,
    closeOn: DEFAULT_CLOSE_ON,
    closeCodes: DEFAULT_CLOSE_CODES,
    closesPerSecond,
    clock,
    onRefreshed: () => undefined,
  });
  watchNewConnections(soketi.server, (appId, connection) => open.entered(appId, connection));
  soketi.start();
  const sockets: SoketiSocket[] = [];
  for (let i = 0; i < connections; i += 1) {
    const socket = await soketi.connect(app);
    soketi.subscribe(socket, `own-${i}`);
    sockets.push(socket);
  }
  await nextTurn();
  let done = 0;
  const subscribeWhile = async (goesOn: (ms: number) => boolean) => {
    const [begunAt, from] = [clock(), done];
    while (goesOn(clock() - begunAt)) {
      const due = from + Math.floor(((clock() - begunAt) * subscriptionsPerSecond) / 1_000);
      for (; done < due; done += 1) subscribeAgain(soketi, sockets, done);
      await nextTurn();
    }
  };
  const before = await stallsDuring(() => subscribeWhile((ms) => ms < BEFORE_MS));
  const meanwhile = await stallsDuring(() => {
    current = null;
    open.revalidator.named("large");
    return subscribeWhile((ms) => soketi.openOf("large") > 0 && ms < LIMIT_MS);
  });
  open.stop();
  return {
    connections,
    subscriptionsPerSecond,
    closedAfterMs: Math.round(meanwhile.total),
    meanwhile,
    before,
    stillOpen: soketi.openOf("large"),
  };
}

/** One after the other, so that each is as restless as the next; one that was closed has no more to say. */
function subscribeAgain(soketi: SoketiInMemory, sockets: readonly SoketiSocket[], i: number): void {
  for (let tries = 0; tries < 100; tries += 1) {
    const socket = sockets[(i * 7_919 + tries) % sockets.length];
    if (!socket || !soketi.isOpen("large", socket)) continue;
    soketi.subscribe(socket, `more-${i}`);
    return;
  }
}
