import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** A server that takes connections and says nothing, or not enough. */
export interface MuteServer {
  readonly port: number;
  /** Resolves at the next connection. */
  connected(): Promise<unknown>;
  /** Open now. */
  connections(): number;
  close(): Promise<void>;
}

/** @param answer to what a client has sent; "" is none. Default: none at all. */
export async function startMuteServer(answer: (sent: string) => string = () => ""): Promise<MuteServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // Read, or its end is not noticed.
    socket.on("data", (sent: Buffer) => {
      const answered = answer(sent.toString());
      if (answered !== "") socket.write(answered);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connected: () => once(server, "connection"),
    connections: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
