import { createServer } from "node:net";

const given = new Set<number>();

/** A free TCP port on the loopback interface; never the same twice in one process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await probe();
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

function probe(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** @throws Error with one line, `advice` at its end, when the port is taken. 0 is always free. */
export async function assertFree(port: number, advice: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === "EADDRINUSE" ? "is busy" : `cannot be used (${error.code ?? error.message})`;
      reject(new Error(`Port ${port} ${reason}: ${advice}`));
    });
    server.listen(port, "127.0.0.1", () => {
      server.close(() => resolve());
    });
  });
}
