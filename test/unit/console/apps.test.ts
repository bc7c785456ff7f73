import { describe, expect, it } from "vitest";
import type { AppItems } from "../../../src/aws/app-items.ts";
import type { RawItem } from "../../../src/aws/raw-item.ts";
import { AppsView } from "../../../src/console/apps.ts";

const T = 1_764_000_000_000;

const item = (id: string, more: RawItem = {}): RawItem => ({
  AppId: { S: id },
  AppKey: { S: `${id}-key` },
  AppSecret: { S: "s3cret" },
  ...more,
});

/** A table in memory, which counts what is read of it. */
class FakeTable implements Pick<AppItems, "get" | "pages"> {
  readonly items = new Map<string, RawItem>();
  scans = 0;
  gets = 0;
  failure: Error | undefined;
  /** Called after the page was read, before it is handed out. */
  meanwhile: () => void = () => undefined;
  constructor(...items: RawItem[]) {
    for (const one of items) this.put(one);
  }
  put(one: RawItem): void {
    this.items.set(one.AppId?.S ?? "", one);
  }
  async get(appId: string) {
    this.gets += 1;
    return await this.#or(this.items.get(appId));
  }
  async *pages() {
    this.scans += 1;
    const page = await this.#or([...this.items.values()]);
    this.meanwhile();
    yield page;
  }
  view(): AppsView {
    return new AppsView(this as Partial<AppItems> as AppItems);
  }
  #or<T>(value: T): Promise<T> {
    return this.failure ? Promise.reject(this.failure) : Promise.resolve(value);
  }
}

const idsOf = async (view: AppsView, text: string, now = T) =>
  (await view.search(text, now)).apps.map(({ id }) => id);

describe("AppsView", () => {
  it("finds by id, key, attribute, code, severity and state; the worst first", async () => {
    const view = new FakeTable(
      item("fine"),
      item("off", { Enabled: { BOOL: false } }),
      item("odd", { MaxConnections: { N: "0" } }),
      item("bad", { Enabled: { S: "perhaps" } }),
      { AppId: { S: "none" }, AppKey: { S: "none-key" } },
    ).view();
    expect(await idsOf(view, "")).toEqual(["none", "bad", "odd", "fine", "off"]);
    for (const [text, found] of [
      ["OFF-KEY", "off"],
      ["disabled", "off"],
      ["flag-unreadable", "bad"],
      ["max-connections-zero", "odd"],
      [" warning ", "odd"],
      ["unusable", "none"],
      ["identity-missing", "none"],
    ] as const) {
      expect([text, await idsOf(view, text)]).toEqual([text, [found]]);
    }
    expect(JSON.stringify(await view.search("", T))).not.toContain("s3cret");
  });

  it("shows what is wrong between two apps, at each of them, until one has changed", async () => {
    const table = new FakeTable(
      item("a", { AppKey: { S: "shared" } }),
      item("b", { AppKey: { S: "shared" } }),
      item("shared-with-id"),
      item("c", { AppKey: { S: "shared-with-id" } }),
      item("d", { MaxConnections: { S: "5" } }),
    );
    const view = table.view();
    expect(await idsOf(view, "key-shared")).toEqual(["a", "b"]);
    expect(await idsOf(view, "id-is-key")).toEqual(["c", "shared-with-id"]);
    // What soketi alone would read otherwise is said as well.
    expect(await idsOf(view, "limit-not-number")).toEqual(["d"]);
    table.put(item("b"));
    await view.changed(["b"]);
    expect(await idsOf(view, "key-shared")).toEqual([]);
  });

  it("names an overlap that is over", async () => {
    const until = { N: String(T / 1_000 - 1) };
    const more = { AppSecretPrevious: { S: "0ld" }, AppSecretPreviousUntil: until };
    const view = new FakeTable(item("rotated", more), item("fine")).view();
    expect(await idsOf(view, "overlap-over")).toEqual(["rotated"]);
    expect(JSON.stringify(await view.search("", T))).not.toContain("0ld");
  });

  it("gives a hundred unless more are asked for", async () => {
    const view = new FakeTable(...Array.from({ length: 250 }, (_, i) => item(`app-${i}`))).view();
    expect((await view.search("", T)).apps).toHaveLength(100);
    expect((await view.search("", T, 200)).apps).toHaveLength(200);
    expect(await view.search("", T, -3)).toMatchObject({
      apps: [{}],
      matching: 250,
      all: 250,
      truncated: false,
    });
  });

  it("holds 10,000, and says that there are more", async () => {
    const table = new FakeTable(...Array.from({ length: 10_001 }, (_, i) => item(`app-${i}`)));
    expect(await table.view().search("", T)).toMatchObject({ all: 10_000, truncated: true });
    table.items.delete("app-0");
    const view = table.view();
    expect(await view.search("", T)).toMatchObject({ all: 10_000, truncated: false });
    table.put(item("one-more"));
    await view.changed(["one-more"]);
    expect(await view.search("", T)).toMatchObject({ all: 10_000, truncated: true });
  });

  it("reads changed apps one by one, and the whole table every five minutes at most", async () => {
    const table = new FakeTable(item("a"), item("b"));
    const view = table.view();
    await view.changed(["a"]);
    expect([table.scans, table.gets]).toEqual([0, 0]);
    await view.search("", T);
    table.put(item("c"));
    table.items.delete("a");
    await view.changed(["a", "b", "c", "c"]);
    expect(await idsOf(view, "", T + 300_000)).toEqual(["b", "c"]);
    expect([table.scans, table.gets]).toEqual([1, 3]);
    await view.search("", T + 300_001);
    expect(table.scans).toBe(2);
  });

  it("does not let a page that was read before a change stand over it", async () => {
    const table = new FakeTable(item("a"));
    const view = table.view();
    let changed: Promise<void> | undefined;
    table.meanwhile = () => {
      table.put(item("a", { Enabled: { BOOL: false } }));
      changed = view.changed(["a"]);
    };
    await view.search("", T);
    await changed;
    expect((await view.search("", T)).apps).toMatchObject([{ id: "a", enabled: false }]);
  });

  it("tells that the table cannot be read, and reads it again after a pause, which grows", async () => {
    const table = new FakeTable(item("a"));
    const view = table.view();
    table.failure = new Error("no table");
    // Each reading takes a moment, too.
    const second = T + 5_500;
    const third = second + 10_500;
    for (const [now, scans] of [
      [T, 1],
      [T + 4_999, 1],
      [second, 2],
      [second + 9_999, 2],
      [third, 3],
      [third + 300_500, 4],
    ] as const) {
      await expect(view.search("", now)).rejects.toThrow("no table");
      expect([now, table.scans]).toEqual([now, scans]);
    }
    table.failure = undefined;
    expect(await idsOf(view, "", third + 900_000)).toEqual(["a"]);
  });

  it("reads the table again when a changed app could not be read", async () => {
    const table = new FakeTable(item("a"));
    const view = table.view();
    expect(await idsOf(view, "")).toEqual(["a"]);
    table.put(item("b"));
    table.failure = new Error("no table");
    await view.changed(["b"]);
    table.failure = undefined;
    expect(await idsOf(view, "")).toEqual(["a", "b"]);
  });
});
