import { describe, expect, it } from "vitest";
import { readyWhenSynced } from "../../../src/soketi/ready.ts";
import type { HttpResponse, SoketiServer } from "../../../src/soketi/server.ts";

/** A server that makes its HTTP handler at its start, and what its `/ready` answered. */
function fakeServer() {
  const written: string[] = [];
  const response: HttpResponse = {
    cork: (write) => {
      write();
    },
    writeStatus: (status) => (written.push(status), response),
    writeHeader: (name, value) => (written.push(`${name}: ${value}`), response),
    end: (body) => written.push(body),
  };
  const handler = { ready: () => written.push("soketi's own") };
  const server = { httpHandler: handler, configureHttp: (app: object) => app };
  return {
    server: server as unknown as SoketiServer,
    ask: () => {
      (handler.ready as (response: HttpResponse) => void)(response);
      return written.splice(0);
    },
  };
}

describe("readyWhenSynced", () => {
  it("answers 503 until the first lease, and then as soketi does, also without one", () => {
    const { server, ask } = fakeServer();
    let held = false;
    readyWhenSynced(server, () => held);
    const app = {};
    expect(server.configureHttp(app)).toBe(app);
    expect(ask()).toEqual([
      "503 Service Unavailable",
      "Retry-After: 1",
      expect.stringContaining("has not synced yet"),
    ]);
    held = true;
    expect(ask()).toEqual(["soketi's own"]);
    held = false;
    expect(ask()).toEqual(["soketi's own"]);
  });
});
