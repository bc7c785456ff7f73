import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { ListenError } from "../../../src/http/errors.ts";
import { listen } from "../../../src/http/listen.ts";

const settings = { host: "--host", port: "--port" };

/** What is told when Node meets an error of this code. */
async function toldOf(code: string, host = "127.0.0.1"): Promise<string> {
  const server = createServer();
  const outcome = listen(server, { host, port: 0, settings });
  server.emit("error", Object.assign(new Error(`listen ${code}: of Node`), { code }));
  const error = await outcome.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  server.close();
  expect(error).toBeInstanceOf(ListenError);
  return (error as ListenError).message;
}

describe("a port that cannot be taken", () => {
  it.each([
    ["EADDRINUSE", "that it is in use: choose another with --port"],
    ["EACCES", "that this user is not allowed to: choose another with --port"],
    ["EADDRNOTAVAIL", "that it is no address of this machine: choose another with --host"],
    ["ENOTFOUND", "that the host is unknown: choose another with --host"],
    ["EAI_AGAIN", "that the host is unknown: choose another with --host"],
    ["EMFILE", "listen EMFILE: of Node: choose another with --host or --port"],
  ])("%s", async (code, words) => {
    expect(await toldOf(code)).toBe(`expected to listen on 127.0.0.1:0, found ${words}`);
  });

  it("is named with an address, and never with a name: that may be anything", async () => {
    expect(await toldOf("EADDRINUSE", "::1")).toContain("listen on [::1]:0,");
    expect(await toldOf("EADDRINUSE", "localhost")).toContain("listen on localhost:0,");
    expect(await toldOf("ENOTFOUND", "s3cret-quokka")).not.toMatch(/s3cret|quokka/);
  });
});

it("goes on when a connection cannot be taken later, however often", async () => {
  const server = createServer();
  const port = await listen(server, { host: "127.0.0.1", port: 0, settings });
  expect((server.address() as AddressInfo).port).toBe(port);
  const failure = Object.assign(new Error("accept EMFILE"), { code: "EMFILE" });
  server.emit("error", failure);
  server.emit("error", failure);
  expect(server.listening).toBe(true);
  server.close();
});
