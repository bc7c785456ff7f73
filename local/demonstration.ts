import type { Item } from "./apps-table.ts";
import { connect, type PusherConnection, RefusedError } from "./pusher-client.ts";
import { acceptsSecret, probeSecrets } from "./probe.ts";
import type { Stack } from "./stack.ts";
import { within } from "../src/async/within.ts";

export interface Demonstration {
  /** A node's debug line of a drop, to be fed from the stack's output. */
  onLine(part: string, line: string): void;
  /** Shows the job being done. @throws Error naming what did not happen as promised. */
  run(stack: Stack): Promise<void>;
}

/** The app that `npm start` seeds. */
export const SEED: Item = {
  AppId: { S: "acme" },
  AppKey: { S: "acme-key" },
  AppSecret: { S: "secret-1" },
  Enabled: { BOOL: true },
  MaxConnections: { N: "100" },
};

const BACKEND = { appId: "acme", key: "acme-key" };
const CHANGES = 200;
const DROPPED = /dropped (\S+) \((\w+)\), (-?\d+) ms after/;

/** @param print prints a line for the user. */
export function createDemonstration(print: (line: string) => void): Demonstration {
  let onDrop: (part: string, appId: string, lagMs: number) => void = () => undefined;
  return {
    onLine(part, line) {
      const match = DROPPED.exec(line);
      if (match) onDrop(part, match[1] ?? "", Number(match[3]));
    },
    async run(stack) {
      await stack.table.put(SEED);
      const clients = await connectAll(stack);
      await rotateSecret(stack, print);
      await disable(stack, clients, print);
      await manyChanges(stack, print, (listener) => {
        onDrop = listener;
      });
    },
  };
}

/** The function reads the stream a moment after the write: a node that is asked too early says "no such app". */
async function connectAll(stack: Stack): Promise<PusherConnection[]> {
  const clients = stack.nodes.map(({ port }, i) =>
    within(60_000, `a client of node ${i + 1} to connect`, connectPatiently(port)),
  );
  return Promise.all(clients);
}

async function connectPatiently(port: number): Promise<PusherConnection> {
  for (;;) {
    try {
      return await connect({ port, key: BACKEND.key });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
    }
  }
}

async function rotateSecret(stack: Stack, print: (line: string) => void): Promise<void> {
  print("");
  print("1. The secret of app acme is rotated. Each node is asked continuously, with both secrets:");
  const probes = stack.nodes.map(({ port }) => probeSecrets({ port, ...BACKEND }, "secret-1", "secret-2"));
  const written = Date.now();
  await stack.table.update("acme", { AppSecret: { S: "secret-2" } });
  const settled = Promise.all(probes.map((probe) => probe.settled));
  await within(60_000, "the new secret to be in effect on every node", settled);
  probes.forEach(({ seen }, i) =>
    print(
      `   node ${i + 1}: old entry ${lastServed(seen.oldLast - written)} the write, ` +
        `new entry first served ${seen.newFirst - written} ms after it`,
    ),
  );
  print(
    stack.relayUrl === undefined
      ? "   (most of it is the emulated poll of the stream; AWS polls four times a second)"
      : "   (most of it is the relay's poll of the stream, four times a second)",
  );
}

/** On a busy machine the last answer with the old secret may have come before the write. */
function lastServed(msAfterWrite: number): string {
  return msAfterWrite < 0 ? "not served after" : `last served ${msAfterWrite} ms after`;
}

async function disable(
  stack: Stack,
  clients: PusherConnection[],
  print: (line: string) => void,
): Promise<void> {
  print("");
  print('2. The app is disabled, written as Enabled: {"S":"false"}, while pusher-js clients are connected:');
  const written = Date.now();
  await stack.table.update("acme", { Enabled: { S: "false" } });
  const closed = Promise.all(
    clients.map(async (client) => {
      const code = await client.error;
      client.disconnect();
      return { code, ms: Date.now() - written };
    }),
  );
  (await within(60_000, "the connected clients to be closed", closed)).forEach(({ code, ms }, i) => {
    if (code !== 4003) throw new Error(`expected node ${i + 1} to close its client with 4003, found ${code}`);
    print(`   node ${i + 1}: the client was closed with ${code}, ${ms} ms after the write`);
  });
  await stack.table.update("acme", { Enabled: { BOOL: true } });
  const again = await connectAll(stack);
  print("   enabled again: new clients connect");
  again.forEach((client) => client.disconnect());
}

/** Each change has an app of its own, so that none is united with another. */
async function manyChanges(
  stack: Stack,
  print: (line: string) => void,
  listen: (listener: (part: string, appId: string, lagMs: number) => void) => void,
): Promise<void> {
  print("");
  print(`3. ${CHANGES} apps are written. From the function's invocation to the drop on each node:`);
  const lags = new Map<string, number>();
  const done = new Promise<void>((resolve) =>
    listen((part, appId, lagMs) => {
      if (appId.startsWith("many-")) lags.set(`${part} ${appId}`, lagMs);
      if (lags.size === CHANGES * stack.nodes.length) resolve();
    }),
  );
  for (let i = 0; i < CHANGES; i += 1) {
    await stack.table.put({ ...SEED, AppId: { S: `many-${i}` }, AppKey: { S: `many-${i}-key` } });
  }
  await within(60_000, `${CHANGES} changes to arrive on every node`, done);
  const sorted = [...lags.values()].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  print(`   ${sorted.length} drops: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`);
  const last = { port: stack.nodes[0]?.port ?? 0, appId: "many-199", key: "many-199-key" };
  if (!(await acceptsSecret(last, "secret-1")))
    throw new Error("expected node 1 to serve app many-199, found it does not");
}
