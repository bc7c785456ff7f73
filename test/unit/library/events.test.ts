import { afterEach, describe, expect, it, vi } from "vitest";
import { guardListeners } from "../../../src/library/events.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("listeners", () => {
  it("that throw are told of to onError", () => {
    const errors: unknown[] = [];
    const teller = guardListeners({ onError: (error) => errors.push(error) });
    teller.notify((text: string) => {
      throw new Error(text);
    }, "mine");
    teller.notify(undefined);
    expect(errors).toEqual([new Error("mine")]);
  });

  it("that reject are told of as well: nobody else waits for them", async () => {
    const errors: unknown[] = [];
    const teller = guardListeners({ onError: (error) => errors.push(error) });
    teller.notify(async (text: string) => {
      await Promise.resolve();
      throw new Error(text);
    }, "mine");
    await expect.poll(() => errors).toEqual([new Error("mine")]);
  });

  it("may be missing: a failure is then a warning of Node's", () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    guardListeners({}).failed(new Error("no Redis"));
    guardListeners({}).failed("plain");
    expect(warn.mock.calls).toEqual([
      ["no Redis", "soketi-app-sync"],
      ["plain", "soketi-app-sync"],
    ]);
  });

  it("of errors that throw end the process, as those of any event, but not what is under way", () => {
    const later: (() => void)[] = [];
    vi.spyOn(globalThis, "setImmediate").mockImplementation((callback) => {
      later.push(callback);
      return {} as NodeJS.Immediate;
    });
    const teller = guardListeners({
      onError() {
        throw new Error("in the listener");
      },
    });
    teller.failed(new Error("first"));
    expect(later[0]).toThrow("in the listener");
  });
});
