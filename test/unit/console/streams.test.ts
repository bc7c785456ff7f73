import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { Streams } from "../../../src/console/streams.ts";
import { eventually } from "../../support/fleet.ts";

it("a page that does not read gets the newest later, and nothing piles up", async () => {
  const streams = new Streams();
  let buffered = () => 0;
  const server = createServer((_request, response) => {
    buffered = () => response.writableLength;
    streams.add(response, "first");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  let text = "";
  let take: () => void = () => undefined;
  request({ host: "127.0.0.1", port }, (response) => {
    response.setEncoding("utf8");
    take = () => response.on("data", (chunk: string) => (text = (text + chunk).slice(-100)));
  }).end();
  const large = "x".repeat(1_000_000);
  await eventually("the stream to be full", async () => {
    streams.send(() => large);
    await new Promise(setImmediate);
    return buffered() > 0;
  });
  for (let i = 0; i < 200; i += 1) streams.send(() => large);
  expect(buffered()).toBeLessThan(3_000_000);
  take();
  await eventually("the newest", async () => {
    streams.send(() => "newest");
    await new Promise(setImmediate);
    return text.endsWith("data: newest\n\n");
  });
  streams.close();
  await new Promise((resolve) => server.close(resolve));
});
