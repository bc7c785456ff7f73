import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, PutItemCommand, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type AppsTable, localDynamoDb, openAppsTable } from "../../local/apps-table.ts";
import { cli, type CliResult, jsonLines } from "../support/cli.ts";
import { item } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { startTableProxy } from "../support/table-proxy.ts";

const TABLE = "cli-input";

const keep = keeping();
let table: AppsTable;
let folder: string;

beforeAll(async () => {
  table = await openAppsTable(inject("dynamodbEndpoint"), TABLE);
  await table.put(item("acme"));
  folder = await mkdtemp(join(tmpdir(), "app-sync-cli-input-"));
});

afterAll(() => rm(folder, { recursive: true }));

function run(...args: string[]) {
  return cli(args, {
    env: { APP_MANAGER_DYNAMODB_TABLE: TABLE, APP_MANAGER_DYNAMODB_ENDPOINT: inject("dynamodbEndpoint") },
  });
}

describe.concurrent("an option that a script leaves empty is no default", () => {
  const EMPTY: readonly (readonly [named: string, args: readonly string[]])[] = [
    ...["--table <name>", "--region <name>", "--endpoint <url>", "--prefix <text>"].map(
      (flags) =>
        [`option '${flags}'`, ["apps", "delete", "acme", "--yes", flags.split(" ")[0] ?? "", ""]] as const,
    ),
    ["option '--table <name>'", ["relay", "--table="]],
    ["option '--host <address>'", ["relay", "--host", ""]],
    ["option '--host <address>'", ["console", "--host="]],
    ["option '--token-file <path>'", ["console", "--token-file="]],
    ["option '--out <file>'", ["apps", "rotate-secret", "acme", "--out="]],
    ["option '--key <key>'", ["apps", "rotate-key", "acme", "--key="]],
    ["option '--where <condition>'", ["apps", "list", "--where", "enabled", "--where", ""]],
    ["option '--backup <file>'", ["validate", "--fix", "--yes", "--backup="]],
    ["'file'", ["apps", "export", ""]],
    ["'file'", ["validate", ""]],
  ];

  it.each(EMPTY)("%s of %j", async (named, args) => {
    const { status, stdout, stderr } = await run(...args);
    expect([status, stdout, stderr]).toEqual([
      1,
      "",
      `soketi-app-sync: ${named} is empty. Expected a value.\n`,
    ]);
    const json = await run(...args, "--json");
    expect([json.status, jsonLines({ ...json, stdout: json.stderr })]).toEqual([
      1,
      [{ error: `${named} is empty. Expected a value.`, code: "E_USAGE" }],
    ]);
    expect(await table.get("acme")).toEqual(item("acme"));
  });
});

it("an item that DynamoDB refuses is named, and does not stop the others of an import", async () => {
  const ids = ["first", "large", "last"].map((name) => `${name}-${randomUUID()}`);
  const [first = "", large = "", last = ""] = ids;
  const items = [item(first), item(large, { Note: { S: "x".repeat(410_000) } }), item(last)];
  const file = join(folder, "large.jsonl");
  await writeFile(file, items.map((Item) => JSON.stringify({ Item })).join("\n"));
  const { status, stdout } = await run("apps", "import", file, "--yes", "--no-wait", "--json");
  const lines = jsonLines({ status, stdout, stderr: "" });
  expect([status, lines.at(-1)]).toEqual([2, { apps: 3, changed: 2, unchanged: 0, failed: 1, left: 0 }]);
  expect(lines).toContainEqual({
    appId: large,
    error: expect.stringMatching(
      /^Could not write to table cli-input: .* exceeded the maximum allowed size$/,
    ) as string,
    code: "ValidationException",
  });
  expect(await Promise.all(ids.map(async (id) => (await table.get(id)) !== undefined))).toEqual([
    true,
    false,
    true,
  ]);
});

it("a file that would be taken for gzip is not written", async () => {
  const file = join(folder, "apps.jsonl.gz");
  await table.put(item("spelt", { Enabled: { S: "no" } }));
  for (const [what, args] of [
    ["export", ["apps", "export", file]],
    ["--out", ["apps", "rotate-secret", "acme", "--no-wait", "--out", file]],
    ["--backup", ["validate", "--fix", "--yes", "--backup", file]],
  ] as const) {
    const { status, stderr } = await run(...args);
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining(`${what}: expected a name without .gz, found ${file}`),
    ]);
    await expect(readFile(file)).rejects.toThrow("ENOENT");
  }
  expect(await table.get("acme")).toEqual(item("acme"));
  expect(await table.get("spelt")).toEqual(item("spelt", { Enabled: { S: "no" } }));
});

it("two exports to one file at once: the first that is whole is the file, and the other says so", async () => {
  const proxy = keep(await startTableProxy(inject("dynamodbEndpoint")));
  const file = join(folder, "twice.jsonl");
  let other: CliResult | undefined;
  proxy.beforeAnswer = async (operation) => {
    if (operation === "Scan") other ??= await run("apps", "export", file, "--where", "id=acme");
  };
  const { status, stderr } = await run("apps", "export", file, "--endpoint", proxy.url);
  expect([other?.status, other?.stderr]).toEqual([0, ""]);
  expect([status, stderr]).toEqual([1, expect.stringContaining(`${file}, found that it exists`)]);
  expect((await readFile(file, "utf8")).split("\n")).toHaveLength(2);
  expect((await readdir(folder)).filter((name) => name.startsWith("twice"))).toEqual(["twice.jsonl"]);
});

it("get finds an app by its id in a table without an index, and says what it has not looked at", async () => {
  const name = "cli-input-no-index";
  const client = localDynamoDb(inject("dynamodbEndpoint"));
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "AppId", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "AppId", KeyType: "HASH" }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName: name });
  await client.send(new PutItemCommand({ TableName: name, Item: item("acme") }));

  const byId = await run("get", "acme", "--table", name, "--json");
  const [shown] = jsonLines(byId);
  const unseen =
    /^apps with the key acme: Could not look up a key in table cli-input-no-index: .*AppKeyIndex/;
  expect([byId.status, shown]).toEqual([
    7,
    expect.objectContaining({
      appId: "acme",
      notChecked: [expect.stringMatching(unseen), "nodes: no Redis is configured"],
    }),
  ]);
  const byKey = await run("get", "acme-key", "--table", name);
  expect([byKey.status, byKey.stdout]).toEqual([1, ""]);
  expect(byKey.stderr).toContain("Could not look up a key");
});
