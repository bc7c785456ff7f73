import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Random } from "../../simulation/random.ts";

export interface SlowReceiver {
  readonly url: string;
  readonly webhooks: () => number;
  stop(): Promise<void>;
}

/** Of webhooks: takes some, refuses some, cuts some off, and some it answers late. */
export async function startSlowReceiver(seed: string): Promise<SlowReceiver> {
  const random = new Random(`${seed}/receiver`);
  let webhooks = 0;
  const server = createServer((request, response) => {
    webhooks += 1;
    request.resume();
    const answer = random.integer(0, 9);
    if (answer === 0) request.socket.destroy();
    else if (answer === 1) setTimeout(() => response.end(), random.between(0, 2_000));
    else response.writeHead(answer === 2 ? 500 : 200).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    webhooks: () => webhooks,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
