import { createServer, type OutgoingHttpHeaders, type RequestListener, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { type HttpClient, WebhookRequests } from "../../../src/soketi/webhook-requests.ts";

interface Axios extends HttpClient {
  create(): HttpClient;
}

/** soketi's own axios: an instance of it for each test. */
const { default: axios } = createRequire(
  createRequire(import.meta.url).resolve("@soketi/soketi/package.json"),
)("axios") as { default: Axios };

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function receiver(listener: RequestListener): Promise<string> {
  const listening = createServer(listener);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`;
}

describe("a request of soketi's worker", () => {
  it.each<[string, (response: Parameters<RequestListener>[1]) => void]>([
    ["is not answered", () => undefined],
    ["is answered by a head alone", (response) => void response.writeHead(200).write(" ")],
  ])("that %s ends with its signal, and its connection with it", async (_, answer) => {
    const limit = new AbortController();
    let onClosed: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => (onClosed = resolve));
    const url = await receiver((request, response) => {
      request.resume();
      response.on("close", onClosed);
      answer(response);
      limit.abort();
    });
    const client = axios.create();
    const requests = new WebhookRequests(client);
    const sent = requests.endingWith(limit.signal, () => client.post(url, {}));
    await expect(sent).rejects.toThrow("canceled");
    await closed;
  });

  it.each<[string, OutgoingHttpHeaders, Buffer]>([
    ["", {}, Buffer.alloc(0)],
    [", compressed", { "Content-Encoding": "gzip" }, gzipSync(Buffer.alloc(2_000_000))],
    [", compressed with what is not", { "Content-Encoding": "gzip" }, Buffer.from("no gzip")],
  ])("is not answered without an end%s, and its connection ends", async (_, headers, begin) => {
    let onClosed: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => (onClosed = resolve));
    const url = await receiver((request, response) => {
      request.resume();
      response.on("close", onClosed);
      response.writeHead(200, headers).write(begin);
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64_000)));
        response.once("drain", write);
      };
      write();
    });
    const client = axios.create();
    const requests = new WebhookRequests(client);
    const sent = requests.endingWith(new AbortController().signal, () => client.post(url, {}));
    await expect(sent).rejects.toThrow("maxContentLength size of 1000000 exceeded");
    await closed;
  });

  it("keeps what soketi says of it", async () => {
    const url = await receiver((request, response) => {
      response.setHeader("X-Seen", String(request.headers["x-pusher-key"]));
      request.pipe(response);
    });
    const client = axios.create();
    const requests = new WebhookRequests(client);
    const config = { headers: { "X-Pusher-Key": "k" } };
    const sent = requests.endingWith(new AbortController().signal, () => client.post(url, { a: 1 }, config));
    expect(await sent).toMatchObject({ data: { a: 1 }, headers: { "x-seen": "k" } });
  });
});

it("requests of somebody else's are passed on as they are", () => {
  const calls: unknown[][] = [];
  const post: HttpClient["post"] = (...args) => {
    calls.push(args);
    return Promise.resolve();
  };
  const client = { post };
  const requests = new WebhookRequests(client);
  expect(() =>
    requests.endingWith(new AbortController().signal, () => {
      throw new Error("failed");
    }),
  ).toThrow("failed");
  void client.post("http://other", 1, { timeout: 5 });
  expect(calls).toEqual([["http://other", 1, { timeout: 5 }]]);
});
