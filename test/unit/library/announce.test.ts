import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/config/errors.ts";
import { announce, type AnnounceOptions, type AnnouncedChange } from "../../../src/library/index.ts";

/** Nothing is opened: what is wrong is found before. */
const options = { redis: "redis://127.0.0.1:1", by: "a test", environment: {} };

async function mistakesOf(changes: unknown, others: object = {}): Promise<readonly string[]> {
  const given = { ...options, ...others } as AnnounceOptions;
  const error: unknown = await announce(changes as AnnouncedChange[], given).catch((e: unknown) => e);
  if (error instanceof ConfigError) return error.mistakes;
  throw new Error("expected a ConfigError, found something else", { cause: error });
}

const LONG = "k".repeat(2_049);
const holes: unknown[] = [{ appId: "a" }];
holes[2] = { appId: "b" };

describe("announce", () => {
  it.each<[unknown, ...string[]]>([
    [[], "changes: expected a list of one change or more, found an empty one."],
    [undefined, "changes: expected a list of one change or more, found none."],
    ["s3cret", "changes: expected a list of one change or more, found a string."],
    [{ appId: "a" }, "changes: expected a list of one change or more, found an object."],
    [["s3cret"], "changes[0]: expected an object with an appId, found a string."],
    [holes, "changes[1]: expected an object with an appId, found none."],
    [[{}], "changes[0].appId: expected text of 1 to 2048 bytes, found none."],
    [[{ appId: "" }], "changes[0].appId: expected text of 1 to 2048 bytes, found 0 bytes."],
    [[{ appId: "a" }, { appId: 7 }], "changes[1].appId: expected text of 1 to 2048 bytes, found a number."],
    [[{ appId: LONG }], "changes[0].appId: expected text of 1 to 2048 bytes, found 2049 bytes."],
    [[{ appId: "é".repeat(1_025) }], "changes[0].appId: expected text of 1 to 2048 bytes, found 2050 bytes."],
    [[{ appId: "a", keys: "s3cret" }], "changes[0].keys: expected a list of keys, found a string."],
    [[{ appId: "a", keys: null }], "changes[0].keys: expected a list of keys, found none."],
    [
      [{ appId: "a", keys: ["k", undefined, LONG] }],
      "changes[0].keys[1]: expected text of 1 to 2048 bytes, found none.",
      "changes[0].keys[2]: expected text of 1 to 2048 bytes, found 2049 bytes.",
    ],
  ])("refuses %j", async (changes, ...mistakes) => {
    expect(await mistakesOf(changes)).toEqual(mistakes);
  });

  it.each([
    [{ by: undefined }, "by: expected text of 1 to 500 characters, found none."],
    [{ by: " " }, "by: expected text of 1 to 500 characters, found 0 characters."],
    [{ by: 5 }, "by: expected text of 1 to 500 characters, found a number."],
    [
      { by: "x", reason: "r".repeat(501) },
      "reason: expected text of 1 to 500 characters, found 501 characters.",
    ],
    [{ reason: null }, "reason: expected text of 1 to 500 characters, found none."],
  ])("refuses %j", async (others, mistake) => {
    expect(await mistakesOf([{ appId: "a" }], others)).toEqual([mistake]);
  });

  it.each([undefined, null, "s3cret"])("refuses options that are none: %j", async (given) => {
    const refused: unknown = await announce([{ appId: "a" }], given as never).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(ConfigError);
    expect(String(refused)).toMatch(/options: expected an object, found (none|a string)\./);
  });

  it("tells all mistakes at once, of a long list the first ten", async () => {
    const changes = Array.from({ length: 1_000 }, () => ({ appId: "" }));
    const environment = { APP_SYNC_LOG_BYTES: "1" };
    const mistakes = await mistakesOf(changes, { by: "", redis: "http://:s3cret@x", environment });
    expect(mistakes).toHaveLength(14);
    expect(mistakes.join("\n")).toMatch(
      /^redis: .*\n.*APP_SYNC_LOG_BYTES[^]*\nchanges: 990 more mistakes like these\.\nby: /,
    );
    expect(mistakes.join()).not.toContain("s3cret");
  });
});
