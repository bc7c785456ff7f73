import { createConnection } from "node:net";
import { startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { NATS } from "./requirements.mjs";

export interface NatsServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** A real NATS on the loopback interface. */
export async function startNats(port?: number): Promise<NatsServer> {
  const own = port ?? (await freePort());
  const child = await startChild({
    name: NATS.command,
    command: NATS.command,
    args: ["--addr", "127.0.0.1", "--port", `${own}`],
    ready: () => greets(own),
    readyWithinMs: 60_000,
  });
  return { port: own, stop: () => child.stop() };
}

/** It speaks first. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.setTimeout(1_000, () => socket.destroy(new Error("no greeting of NATS")));
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", reject);
  });
}
