import { describe, expect, it } from "vitest";
import { probe, type TableReads, withLimit } from "../../../src/console/table-reads.ts";

const LIMIT_MS = 20;
const never = new Promise<never>(() => undefined);

/** Answers the first page, and nothing after it. */
const mute: TableReads = {
  get: () => never,
  async *pages() {
    yield await Promise.resolve([{ AppId: { S: "acme" } }]);
    await never;
  },
};

describe("reads of the table", () => {
  it("end when the table takes them and never answers", async () => {
    const items = withLimit(mute, LIMIT_MS);
    await expect(probe(items)).rejects.toThrow("DynamoDB did not answer within 0.02 s");
    const pages: unknown[] = [];
    const read = async () => {
      for await (const page of items.pages()) pages.push(page);
    };
    await expect(read()).rejects.toThrow("DynamoDB did not answer within 0.02 s");
    expect(pages).toHaveLength(1);
  });

  it("give all pages, and end with them", async () => {
    const all: TableReads = {
      get: () => Promise.resolve(undefined),
      async *pages() {
        yield await Promise.resolve([{ AppId: { S: "a" } }]);
        yield await Promise.resolve([{ AppId: { S: "b" } }]);
      },
    };
    await probe(withLimit(all));
    const ids: unknown[] = [];
    for await (const page of withLimit(all).pages()) ids.push(...page.map(({ AppId }) => AppId?.S));
    expect(ids).toEqual(["a", "b"]);
  });
});
