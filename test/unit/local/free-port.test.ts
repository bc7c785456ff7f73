import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { assertFree, freePort } from "../../../local/free-port.ts";

const run = promisify(execFile);
const module_ = fileURLToPath(new URL("../../../local/free-port.ts", import.meta.url));

/** What another process gets, which lives until it is ended. */
async function portsOfAnother(count: number): Promise<number[]> {
  const program = `
    import { freePort } from ${JSON.stringify(module_)};
    console.log(JSON.stringify(await Promise.all(Array.from({ length: ${count} }, freePort))));`;
  const args = ["--import", "tsx", "--input-type=module", "-e", program];
  const { stdout } = await run(process.execPath, args, { timeout: 60_000 });
  return JSON.parse(stdout) as number[];
}

async function listening(port: number): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    async close() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("freePort", () => {
  it("never gives a port twice", async () => {
    const ports = await Promise.all(Array.from({ length: 200 }, freePort));

    expect(new Set(ports).size).toBe(200);
  });

  it("gives one that can be listened on", async () => {
    const port = await freePort();

    const server = await listening(port);

    expect(server.port).toBe(port);
    await server.close();
  });

  it("leaves out one that somebody listens on, who did not ask here", async () => {
    let next = (await freePort()) + 1;
    // The first of a block is given to nobody.
    while (next % 50 === 0) next = (await freePort()) + 1;
    const other = await listening(next);

    expect(await freePort()).not.toBe(next);
    await other.close();
  });

  it("gives no other process one of the same block, while nobody listens on it", async () => {
    const ours = await Promise.all(Array.from({ length: 60 }, freePort));

    const theirs = await portsOfAnother(60);

    expect(theirs).toHaveLength(60);
    expect(theirs.filter((port) => ours.includes(port))).toEqual([]);
  });

  it("gives none that a system gives to whoever connects", async () => {
    const ports = await Promise.all(Array.from({ length: 50 }, freePort));

    expect(ports.filter((port) => port < 1_024 || port >= 32_768)).toEqual([]);
  });

  it("does not keep a process: it ends by itself", async () => {
    await expect(portsOfAnother(1)).resolves.toHaveLength(1);
  });
});

describe("assertFree", () => {
  it("says in one line which port is busy, and what to do", async () => {
    const other = await listening(0);
    const check = () => assertFree(other.port, "choose another");

    await expect(check()).rejects.toThrow(`Port ${other.port} is busy: choose another`);
    await other.close();
    await expect(check()).resolves.toBeUndefined();
  });
});
