import { expect, it } from "vitest";
import { NoLogError, OtherServerError } from "../../../src/agent/errors.ts";

it("without a log: what was expected, where, and what to do", () => {
  expect(new NoLogError("{a}:v1:log", "127.0.0.1:6379/0 (REDIS_URL)")).toMatchObject({
    name: "NoLogError",
    code: "E_NO_LOG",
    message:
      'expected the pipeline\'s log "{a}:v1:log" in Redis 127.0.0.1:6379/0 (REDIS_URL), found none, so no app is proven fresh. ' +
      "If another Redis is the pipeline's, set APP_SYNC_REDIS_URL to it. If this one is, and no app was ever changed, publish a " +
      "first message: soketi-app-sync flush.",
  });
});

it("with two servers", () => {
  expect(new OtherServerError()).toMatchObject({
    name: "OtherServerError",
    code: "E_OTHER_SERVER",
    message:
      "expected heartbeats and messages to use one Redis server, found two: its address has moved, or resolves to more than one. " +
      "Both connections are opened again.",
  });
});
