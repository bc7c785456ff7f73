import { afterEach, describe, expect, it, vi } from "vitest";
import { notAttached } from "../../../src/soketi/not-attached.ts";

describe("notAttached", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  function attempt(environment: Record<string, string>) {
    const exit = vi.spyOn(process, "exit").mockReturnValue(undefined as never);
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const said: string[] = [];
    notAttached(new Error("one\n  two"), (line) => said.push(line), environment);
    return { said, stderr: stderr.mock.calls.map(([text]) => text), exits: exit.mock.calls };
  }

  it.each([{}, { APP_SYNC_REQUIRED: "off" }, { APP_SYNC_REQUIRED: "" }])(
    "says so, with %j",
    (environment) => {
      expect(attempt(environment)).toEqual({
        said: ["app-sync: not attached, soketi runs without the agent: one\n  two"],
        stderr: [],
        exits: [],
      });
    },
  );

  it.each(["on", "true", "perhaps"])(
    "ends the process, with one line, with APP_SYNC_REQUIRED=%s",
    (value) => {
      expect(attempt({ APP_SYNC_REQUIRED: value })).toEqual({
        said: [],
        stderr: ["app-sync: APP_SYNC_REQUIRED is on, so soketi does not start without the agent: one two\n"],
        exits: [[1]],
      });
    },
  );
});
