import { createServer } from "node:net";
import { expect, it } from "vitest";
import { freePort } from "../../../local/free-port.ts";

it("never gives a port twice", async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, freePort));

  expect(new Set(ports).size).toBe(200);
});

it("gives one that can be listened on", async () => {
  const port = await freePort();
  const server = createServer();

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

  await new Promise((resolve) => server.close(resolve));
});
