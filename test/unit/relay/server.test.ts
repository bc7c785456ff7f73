import { expect, it } from "vitest";
import { startRelayServer } from "../../../src/relay/server.ts";

it("does not show a name that it cannot listen on: it may be a password in the wrong place", async () => {
  const server = startRelayServer({
    host: "s3cret-quokka",
    port: 0,
    health: () => {
      throw new Error("expected nobody to ask");
    },
    metrics: () => Promise.resolve(""),
    metricsType: "text/plain",
  });
  const error = await server.then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  expect(error?.message).toMatch(
    /^expected to listen on port 0 of a host \(not shown\), found that the host is unknown: choose another with APP_SYNC_RELAY_HOST$/,
  );
  expect(error?.message).not.toMatch(/s3cret|quokka/);
});
