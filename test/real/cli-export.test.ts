import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { type AppsTable, type Item, openAppsTable } from "../../local/apps-table.ts";
import { cli, type CliOptions, interruptOnce, jsonLines } from "../support/cli.ts";
import { item } from "../support/fleet.ts";
import { putAll } from "../support/many-apps.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "app-sync-export-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Line {
  readonly appId?: string;
  readonly type?: string;
  readonly code?: string;
  readonly changed?: number;
  readonly unchanged?: number;
  readonly failed?: number;
  readonly left?: number;
}

/** A table of its own for each test, and what is run on it: no Redis, nobody to wait for. */
let table: AppsTable;
let file: string;
let run: (args: readonly string[], options?: CliOptions) => ReturnType<typeof cli>;

beforeEach(async () => {
  const name = `export-${randomUUID().slice(0, 8)}`;
  table = await openAppsTable(inject("dynamodbEndpoint"), name);
  file = join(folder, `${name}.jsonl`);
  const env = {
    APP_MANAGER_DYNAMODB_TABLE: name,
    APP_MANAGER_DYNAMODB_ENDPOINT: inject("dynamodbEndpoint"),
  };
  run = (args, options) => cli(["apps", ...args], { env, cwd: folder, ...options });
});

/** Of every type that DynamoDB has. */
const ALL_TYPES: Item = item("types", {
  Bytes: { B: new Uint8Array([0, 255, 1]) },
  Flags: { L: [{ BOOL: true }, { NULL: true }, { N: "1.50" }] },
  Deep: { M: { inner: { M: { list: { L: [{ S: "" }] } } } } },
  Words: { SS: ["b", "a"] },
  Numbers: { NS: ["2", "10"] },
  Blobs: { BS: [new Uint8Array([1]), new Uint8Array([2])] },
});

async function edit(change: (lines: string[]) => string[]): Promise<void> {
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  await writeFile(file, `${change(lines).join("\n")}\n`);
}

const summary = (result: Awaited<ReturnType<typeof cli>>) => jsonLines<Line>(result).at(-1);

describe("apps export", () => {
  it("writes items byte for byte, readable by its owner alone, and says that secrets are in it", async () => {
    await table.put(ALL_TYPES);
    await table.put(item("other"));
    const result = await run(["export", file, "--where", "id=types"]);
    expect([result.status, result.stderr]).toEqual([0, ""]);
    expect(result.stdout).toBe(`1 app in ${file}, including secrets; readable only by you\n`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const before = await table.get("types");
    await table.delete("types");
    const back = await run(["import", file, "--yes", "--no-wait", "--json"]);
    expect(back.status, back.stderr).toBe(0);
    expect(back.stdout + back.stderr).not.toContain("types-secret");
    expect(await table.get("types")).toEqual(before);
    // validate knows the form, too.
    const valid = await cli(["validate", file, "--json"]);
    expect(jsonLines<{ items: number }>(valid)[0]?.items).toBe(1);
  });

  it("replaces no file, and leaves none that is not whole", async () => {
    await writeFile(file, "mine");
    const there = await run(["export", file]);
    expect([there.status, there.stderr]).toEqual([1, expect.stringContaining("found that it exists")]);
    expect(await readFile(file, "utf8")).toBe("mine");
    const none = await run(["export", join(folder, "none.jsonl"), "--table", "nowhere"]);
    expect(none.status).toBe(1);
    expect((await readdir(folder)).filter((name) => name.startsWith("none"))).toEqual([]);
  });
});

describe("apps import", () => {
  it("writes what was edited, leaves what was not, and takes it back from its backup", async () => {
    for (const id of ["a", "b", "c"]) await table.put(item(id));
    await run(["export", file]);
    await edit((lines) =>
      lines.map((line) =>
        line.includes('"a-secret"') ? line.replace('"AppKey"', '"MaxConnections":{"N":"5"},"AppKey"') : line,
      ),
    );
    const dry = await run(["import", file, "--dry-run"]);
    expect([dry.status, dry.stdout]).toEqual([
      0,
      "app a would be updated: limits.maxConnections=5\n3 apps: 1 would change, 2 unchanged\nnothing was written\n",
    ]);
    expect(await table.get("a")).toEqual(item("a"));
    const unasked = await run(["import", file]);
    expect([unasked.status, unasked.stderr]).toEqual([1, "nothing was changed: confirm, or pass --yes\n"]);

    const backup = join(folder, `${randomUUID()}.jsonl`);
    const result = await run(["import", file, "--yes", "--no-wait", "--backup", backup, "--json"]);
    expect(result.status, result.stderr).toBe(0);
    expect(summary(result)).toMatchObject({ changed: 1, unchanged: 2, failed: 0, left: 0 });
    expect(await table.get("a")).toEqual(item("a", { MaxConnections: { N: "5" } }));
    expect((await stat(backup)).mode & 0o777).toBe(0o600);
    const again = await run(["import", file, "--yes", "--no-wait", "--json"]);
    expect(again.status).toBe(0);
    expect(summary(again)).toMatchObject({ changed: 0, unchanged: 3 });

    const back = await run(["import", backup, "--yes", "--no-wait", "--json"]);
    expect(back.status, back.stderr).toBe(0);
    expect(await table.get("a")).toEqual(item("a"));
  });

  it("leaves alone what somebody has changed since the export, unless it is told to overwrite", async () => {
    for (const id of ["a", "b"]) await table.put(item(id));
    await run(["export", file]);
    await table.update("a", { MaxConnections: { N: "7" } });
    await table.delete("b");
    const result = await run(["import", file, "--yes", "--no-wait", "--json"]);
    expect(result.status).toBe(2);
    expect(jsonLines<Line>(result)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ appId: "a", code: "E_CONFLICT" }),
        expect.objectContaining({ appId: "b", type: "created" }),
        expect.objectContaining({ changed: 1, failed: 1 }),
      ]),
    );
    expect(await table.get("a")).toEqual(item("a", { MaxConnections: { N: "7" } }));
    expect(await table.get("b")).toEqual(item("b"));
    const over = await run(["import", file, "--yes", "--no-wait", "--overwrite"]);
    expect(over.status, over.stderr).toBe(0);
    expect(await table.get("a")).toEqual(item("a"));
  });

  it.each<[string, (lines: string[]) => string[], RegExp]>([
    ["no JSON", (lines) => [...lines, "{"], /found no JSON in line 3 of/],
    ["something else", (lines) => [...lines, "[]"], /found something else in line 3 of/],
    ["no attribute values", (lines) => [...lines, '{"Item":{"AppId":"c"}}'], /for AppId in line 3 of/],
    [
      "a set of nothing",
      (lines) => [...lines, '{"Item":{"AppId":{"S":"c"},"X":{"SS":[]}}}'],
      /for X in line 3/,
    ],
    ["no id", (lines) => [...lines, '{"Item":{"AppKey":{"S":"c"}}}'], /expected an AppId of the type S/],
    ["an app twice", (lines) => [...lines, ...lines], /expected each app once, found [ab] twice/],
    [
      "an app that would be none",
      (lines) => lines.map((line) => line.replace('"S":"a-secret"', '"S":""')),
      /found 1 app that cannot be; nothing was written:\napp a: nodes would not read the app as intended/,
    ],
    [
      "a key that is another's",
      (lines) => lines.map((line) => line.replace('"a-key"', '"c-key"')),
      /app a: expected an unused key, found that of app c/,
    ],
    [
      "two new apps with one key: a line that was copied",
      (lines) =>
        ["c1", "c2"].map((id) =>
          (lines[0] ?? "").replace(/"[ab]"/, `"${id}"`).replace(/"[ab]-key"/, '"copied-key"'),
        ),
      /app c[12]: expected an unused key, found that of app c[12] in the file/,
    ],
  ])("writes nothing of a file with %s", async (_, change, message) => {
    for (const id of ["a", "b", "c"]) await table.put(item(id));
    await run(["export", file, "--where", "id!=c"]);
    await table.delete("b");
    await edit(change);
    const { status, stderr } = await run(["import", file, "--yes", "--no-wait"]);
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(await table.get("b")).toBeUndefined();
    expect(await table.get("a")).toEqual(item("a"));
  });

  it("brings items back as they were, whatever is wrong with them", async () => {
    const odd = item("odd", { Enabled: { S: "perhaps" }, Webhooks: { S: "[{}]" } });
    const keyless = { AppId: { S: "keyless" } };
    for (const one of [odd, keyless]) await table.put(one);
    await run(["export", file]);
    for (const id of ["odd", "keyless"]) await table.delete(id);
    const result = await run(["import", file, "--yes", "--no-wait"]);
    expect(result.status, result.stderr).toBe(0);
    expect(await table.get("odd")).toEqual(odd);
    expect(await table.get("keyless")).toEqual(keyless);
  });

  it("goes on where it was interrupted: what is done is as before", async () => {
    const ids = Array.from({ length: 400 }, (_, i) => `many-${i}`);
    const elsewhere = await openAppsTable(inject("dynamodbEndpoint"), `export-${randomUUID().slice(0, 8)}`);
    await putAll(
      inject("dynamodbEndpoint"),
      elsewhere.name,
      ids.map((id) => item(id)),
    );
    await run(["export", file, "--table", elsewhere.name]);
    const first = await run(["import", file, "--yes", "--no-wait", "--json"], {
      onOutput: interruptOnce("appId", "SIGTERM"),
    });
    expect(first.status, first.stderr).toBe(143);
    const left = summary(first)?.left ?? 0;
    expect(left).toBeGreaterThan(0);
    const second = await run(["import", file, "--yes", "--no-wait", "--json"]);
    expect(second.status, second.stderr).toBe(0);
    expect(summary(second)).toMatchObject({ changed: left, unchanged: ids.length - left });
    for (const id of ids) expect(await table.get(id)).toEqual(item(id));
  });
});
