import { createServer, type Server } from "node:net";

/**
 * Ports below those that systems give to outgoing connections and to whoever asks for any (from 32,768 on under Linux,
 * 49,152 on macOS): such a port could be gone between the look and the start of the server that it is meant for.
 */
const FIRST_PORT = 20_000;
const BLOCK_SIZE = 50;
const BLOCKS = 240;

/** Ports of a block that is this process', which were not given yet. */
const left: number[] = [];

/** Two that look at the same time would claim a block each. */
let looking: Promise<unknown> = Promise.resolve();

/**
 * A free TCP port on the loopback interface; never the same twice in one process, nor one that another process got from
 * here and may still use. For servers that cannot choose one and say which: Redis, soketi, DynamoDB Local.
 *
 * @throws Error when there is none.
 */
export function freePort(): Promise<number> {
  const port = looking.then(nextFree, nextFree);
  looking = port;
  return port;
}

async function nextFree(): Promise<number> {
  for (;;) {
    const port = left.shift();
    if (port === undefined) left.push(...(await claimBlock()));
    else if (await isFree(port)) return port;
  }
}

/**
 * A block belongs to the process that listens on its first port, until it ends: however it ends, there is nothing to tidy up,
 * and a port stays its own while the server on it is stopped and started again.
 */
async function claimBlock(): Promise<number[]> {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let i = 0; i < BLOCKS; i += 1) {
    const first = FIRST_PORT + ((start + i) % BLOCKS) * BLOCK_SIZE;
    const claim = await listen(first).catch(() => undefined);
    if (claim === undefined) continue;
    claim.unref();
    return Array.from({ length: BLOCK_SIZE - 1 }, (_, offset) => first + 1 + offset);
  }
  const range = `${FIRST_PORT} to ${FIRST_PORT + BLOCKS * BLOCK_SIZE - 1}`;
  throw new Error(
    `expected a free block of ports in ${range}, found all of them in use: stop what uses them, or pass the ports`,
  );
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port).catch(() => undefined);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      resolve(server);
    });
  });
}

/** @throws Error with one line, `advice` at its end, when the port is taken. 0 is always free. */
export async function assertFree(port: number, advice: string): Promise<void> {
  try {
    const server = await listen(port);
    await new Promise((resolve) => server.close(resolve));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? "is busy" : `cannot be used (${code ?? message})`;
    throw new Error(`Port ${port} ${reason}: ${advice}`, { cause: error });
  }
}
