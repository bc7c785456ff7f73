import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readExport } from "../../../src/cli/apps/exported-items.ts";
import { appId, appIds, duration, interval } from "../../../src/cli/support/arguments.ts";
import { parseAttributes } from "../../../src/cli/apps/attributes.ts";
import { createPrivateFile, expectFile, readText } from "../../../src/cli/support/files.ts";
import { readBackup } from "../../../src/cli/validate/backup.ts";
import { readItems } from "../../../src/cli/validate/item-source.ts";
import { refuseContradictions } from "../../../src/cli/validate/validate.ts";

const line = (id: string) => JSON.stringify({ Item: { AppId: { S: id } } });
const MARK = "\ufeff";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "app-sync-input-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(content: string | Buffer, name = "items.jsonl"): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

async function imported(file: string): Promise<(string | undefined)[]> {
  const ids = [];
  for await (const { item } of readExport(file)) ids.push(item.AppId?.S);
  return ids;
}

async function validated(file: string): Promise<unknown[]> {
  const ids = [];
  for await (const page of readItems(file))
    for (const { AppId } of page) ids.push((AppId as { S: string }).S);
  return ids;
}

describe.each([
  ["apps import", imported],
  ["validate", validated],
])("%s reads", (_, read) => {
  it.each<[string, string | Buffer, string?]>([
    ["lines", `${line("a")}\n${line("b")}\n`],
    ["lines without an end", `${line("a")}\n${line("b")}`],
    ["lines of Windows", `${line("a")}\r\n\r\n${line("b")}\r\n`],
    ["a byte order mark", `${MARK}${line("a")}\n${line("b")}\n`],
    ["gzip", gzipSync(`${line("a")}\n${line("b")}\n`), "items.json.gz"],
    ["a byte order mark in gzip", gzipSync(`${MARK}${line("a")}\n${line("b")}\n`), "items.json.gz"],
  ])("%s", async (__, content, name) => {
    expect(await read(await fileOf(content, name))).toEqual(["a", "b"]);
  });

  it.each<[string, string | Buffer, RegExp, string?]>([
    ["no JSON", "AppId: a", /found (no JSON in line 1 of|something else in) .*items\.jsonl$/],
    ["a line that was cut short", `${line("a")}\n${line("b").slice(0, 20)}`, /in line 2 of .*items\.jsonl$/],
    ["UTF-16", Buffer.from(`${MARK}${line("a")}`, "utf16le"), /found UTF-16: .*PowerShell/],
    [
      "gzip in name only",
      line("a"),
      /expected gzip in .*items\.json\.gz, found .*Z_DATA_ERROR/,
      "items.json.gz",
    ],
    [
      "gzip that was cut short",
      gzipSync(line("a").repeat(500)).subarray(0, 40),
      /expected gzip .*not all of it \(Z_BUF_ERROR\)/,
      "items.json.gz",
    ],
  ])("%s: a sentence that names the file", async (__, content, words, name) => {
    await expect(read(await fileOf(content, name))).rejects.toThrow(words);
  });

  it("a folder, and what is not there: likewise", async () => {
    await expect(read(folder)).rejects.toThrow(`expected a file ${folder}, found a folder`);
    await expect(read(join(folder, "nowhere"))).rejects.toMatchObject({ code: "ENOENT" });
    await expect(read(join(folder, "nowhere.gz"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

const PRETTY = JSON.stringify({ Items: [{ AppId: { S: "a" } }, { AppId: { S: "b" } }], Count: 2 }, null, 4);

it.each<[string, string | Buffer, string]>([
  ["as it is", `\n${PRETTY}\n`, "scan.json"],
  ["compressed", gzipSync(PRETTY), "scan.json.gz"],
])("what `aws dynamodb scan` prints is one value over many lines: %s", async (_, content, name) => {
  expect(await validated(await fileOf(content, name))).toEqual(["a", "b"]);
});

it("a backup ends with its last whole line, with or without a line break", async () => {
  const head = JSON.stringify({ file: "soketi-app-sync backup 1", table: "apps" });
  const rewrite = (id: string) => JSON.stringify({ appId: id, before: {}, after: {} });
  const ids = async (content: string) =>
    (await readBackup(await fileOf(content, "backup.jsonl"), "apps")).map(({ appId }) => appId);
  expect(await ids(`${MARK}${head}\n${rewrite("a")}\n${rewrite("b")}\n`)).toEqual(["b", "a"]);
  expect(await ids(`${head}\n${rewrite("a")}\n${rewrite("b")}`)).toEqual(["b", "a"]);
  // Cut short: its item was not written.
  expect(await ids(`${head}\n${rewrite("a")}\n${rewrite("b").slice(0, -1)}`)).toEqual(["a"]);
});

it("nothing is the export of an empty table, and no items that are well", async () => {
  const file = await fileOf("\n");
  expect(await imported(file)).toEqual([]);
  await expect(validated(file)).rejects.toThrow(/expected DynamoDB JSON.*found nothing in/);
});

it("a whole text has no byte order mark", async () => {
  expect(await readText(await fileOf(`${MARK}{}`))).toBe("{}");
});

it("a private file is made once, where there is a folder, for nobody else", async () => {
  const file = join(folder, "secrets");
  await (await createPrivateFile(file, "--out")).close();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await expect(createPrivateFile(file, "--out")).rejects.toThrow(
    /^--out: .*found that it exists: choose another$/,
  );
  await expect(createPrivateFile(join(folder, "none", "x"), "--out")).rejects.toThrow(
    /found no such folder$/,
  );
});

describe("an argument", () => {
  it("of an app is what DynamoDB takes: an empty one would be a message that makes all nodes flush", () => {
    expect(appIds("b", appIds("ünïcödé 😀"))).toEqual(["ünïcödé 😀", "b"]);
    expect(appId("x".repeat(2_048))).toHaveLength(2_048);
    for (const wrong of ["", "x".repeat(2_049), "ü".repeat(1_025)]) {
      expect(() => appId(wrong)).toThrow(/^Expected 1 to 2048 bytes, found \d+\.$/);
    }
  });

  it("of a time between two looks is long enough to see something", () => {
    expect(interval("100ms")).toBe(100);
    for (const wrong of ["0s", "99ms"]) expect(() => interval(wrong)).toThrow("Expected at least 100ms.");
  });

  it("of a time to wait for is a day at most: from 25 days on a timer of Node's is over at once", () => {
    for (const read of [duration, interval]) {
      expect(read("1d")).toBe(86_400_000);
      for (const wrong of ["86401", "30d", "9".repeat(400)]) {
        expect(() => read(wrong)).toThrow("Expected at most 1d.");
      }
    }
  });
});

describe("--set and --unset", () => {
  it("take each name once, and say who has which wrong", () => {
    expect(parseAttributes(["MaxConnections=5"], ["Webhooks"])).toEqual({
      MaxConnections: { N: "5" },
      Webhooks: undefined,
    });
    const twice = /expected each name once, found MaxConnections again$/;
    expect(() => parseAttributes(["MaxConnections=5"], ["MaxConnections"])).toThrow(twice);
    expect(() => parseAttributes(["MaxConnections=5", "MaxConnections=6"], [])).toThrow(twice);
    expect(() => parseAttributes([], ["MaxConnections", "MaxConnections"])).toThrow(twice);
    expect(() => parseAttributes(["Foo=1"], [])).toThrow(/^--set: expected one of .*; found "Foo"$/);
    expect(() => parseAttributes([], ["AppId"])).toThrow(/^--unset: expected one of .*; found "AppId"$/);
    for (const name of ["toString", "__proto__", "constructor"]) {
      expect(() => parseAttributes([`${name}=1`], [])).toThrow(`found "${name}"`);
    }
  });
});

describe("options of validate that contradict each other", () => {
  const restore = "before.jsonl";
  it.each<[string, string[], Parameters<typeof refuseContradictions>[1], string]>([
    ["both", [], { fix: true, restore }, "expected --fix or --restore, found both"],
    ["a fix of files", ["x"], { fix: true }, "--fix: expected the table, found files"],
    ["a restore of files", ["x"], { restore }, "--restore: expected the table, found files"],
    [
      "a dry run of a restore",
      [],
      { restore, dryRun: true },
      "--dry-run: expected --fix beside it, found --restore",
    ],
    ["a dry run of nothing", [], { dryRun: true }, "--dry-run: expected --fix beside it, found it alone"],
    ["a backup of nothing", [], { backup: "b" }, "--backup: expected --fix beside it, found it alone"],
    [
      "a backup of a restore",
      [],
      { restore, backup: "b" },
      "--backup: expected --fix beside it, found --restore",
    ],
  ])("%s are refused", (_, files, options, words) => {
    expect(() => refuseContradictions(files, options)).toThrow(words);
  });

  it("and no others", () => {
    for (const options of [{}, { fix: true, dryRun: true, backup: "b" }, { restore }] as const) {
      expect(() => refuseContradictions([], options)).not.toThrow();
    }
  });
});

describe("a pipe, as `<(…)` is one", () => {
  function pipeOf(content: string): { readonly file: string; readonly written: Promise<void> } {
    const file = join(folder, `pipe-${randomUUID()}`);
    execFileSync("mkfifo", [file]);
    return { file, written: writeFile(file, content) };
  }

  it("is read by `validate`, also one value that is spread over lines", async () => {
    for (const content of [
      `${line("a")}\n${line("b")}\n`,
      `{\n"Items":[{"AppId":{"S":"a"}},\n{"AppId":{"S":"b"}}]\n}\n`,
    ]) {
      const { file, written } = pipeOf(content);
      expect(await validated(file)).toEqual(["a", "b"]);
      await written;
    }
  });

  it("is refused by what reads a file twice", async () => {
    const file = join(folder, `pipe-${randomUUID()}`);
    execFileSync("mkfifo", [file]);
    await expect(expectFile(file)).rejects.toThrow(/which is read twice/);
    await expectFile(await fileOf(line("a")));
  });
});
