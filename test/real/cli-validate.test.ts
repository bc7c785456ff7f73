import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { BatchWriteItemCommand, UpdateTableCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type Item, localDynamoDb, openAppsTable } from "../../local/apps-table.ts";
import { createAppItems } from "../../src/aws/app-items.ts";
import { checkItem } from "../../src/app/item-check.ts";
import { normalize } from "../../src/app/normalize.ts";
import { planned } from "../../src/cli/validate/fix.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { item } from "../support/fleet.ts";

const TABLE = "validated";
const ITEMS = 10_000;
const bytes = (text: string) => ({ B: new Uint8Array(Buffer.from(text)) });

/** Every trap of design, in turn; what can be rewritten, and what only its owner can repair. */
const TRAPS: readonly Item[] = [
  {},
  { Enabled: bytes("false") },
  { Enabled: { S: "no" }, EnableClientMessages: { N: "1" } },
  { EnableUserAuthentication: bytes("false") },
  { MaxChannelNameLength: { N: "-1" }, MaxEventPayloadInKb: { N: "-1" } },
  { MaxConnections: { S: "100" }, MaxEventBatchSize: bytes("5") },
  { Webhooks: { L: [{ M: { url: { S: "http://x/t0ken" }, event_types: { L: [{ S: "client_event" }] } } }] } },
  { Webhooks: { S: '[{"lambda_function":"f","event_types":["client_event"]}]' } },
  { Webhooks: { S: '[{"url":"http://x"}]' } },
  { MaxConnections: { N: "0" } },
  { AppSecret: bytes("s3cret"), Enabled: { NULL: true } },
  { MaxConnections: { S: "many" } },
];

const env: Record<string, string> = { APP_MANAGER_DYNAMODB_TABLE: TABLE };
const client = localDynamoDb(inject("dynamodbEndpoint"));
const items = createAppItems(client, TABLE);
let folder: string;
const run = (...args: string[]) => cli(["validate", ...args], { env });

beforeAll(async () => {
  env.APP_MANAGER_DYNAMODB_ENDPOINT = inject("dynamodbEndpoint");
  folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-validate-"));
  await openAppsTable(inject("dynamodbEndpoint"), TABLE);
  // Nobody reads it, and with its 40,000 records DynamoDB Local would be slow to read any other table's.
  await client.send(
    new UpdateTableCommand({ TableName: TABLE, StreamSpecification: { StreamEnabled: false } }),
  );
  for (let from = 0; from < ITEMS; from += 25) {
    const puts = Array.from({ length: 25 }, (_, i) => ({
      PutRequest: { Item: item(`app-${from + i}`, TRAPS[(from + i) % TRAPS.length]) },
    }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: puts } }));
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function everything(): Promise<Map<string, Item>> {
  const all = new Map<string, Item>();
  for await (const page of items.pages()) for (const one of page) all.set(one.AppId?.S ?? "", one);
  return all;
}

interface Report {
  readonly items: number;
  readonly apps: { readonly appId: string; readonly findings: { readonly code: string }[] }[];
  readonly summary: { readonly code: string; readonly items: number }[];
}

describe("validate --fix on 10,000 items", () => {
  it("rewrites what is safe, can be interrupted and run again, and is restored byte for byte", async () => {
    const before = await everything();
    expect(before.size).toBe(ITEMS);

    const dry = await run("--fix", "--dry-run", "--json");
    expect([dry.status, jsonLines(dry)]).toEqual([2, [{ planned: 6_667, written: 0 }]]);
    const unasked = await run("--fix");
    expect([unasked.status, unasked.stdout]).toEqual([2, expect.stringContaining("confirm, or pass --yes")]);
    expect(await everything()).toEqual(before);

    // Interrupted as soon as it has begun to write.
    const [first, second] = [join(folder, "first.jsonl"), join(folder, "second.jsonl")];
    const interrupted = await cli(["validate", "--fix", "--yes", "--json", "--backup", first], {
      env,
      onOutput: (text, kill) => {
        if (text.includes("backup:")) kill("SIGTERM");
      },
    });
    expect(interrupted.status, interrupted.stderr).toBe(143);
    const [begun] = jsonLines<{ written: number; left: number; planned: number }>(interrupted);
    expect(begun?.left).toBeGreaterThan(0);
    expect((begun?.written ?? 0) + (begun?.left ?? 0)).toBe(6_667);
    expect((await readFile(first, "utf8")).split("\n")).toHaveLength((begun?.written ?? 0) + 2);

    const rest = await run("--fix", "--yes", "--json", "--backup", second);
    // Items with errors are left as they are.
    expect(rest.status, rest.stderr).toBe(2);
    expect(jsonLines(rest)[0]).toMatchObject({ written: begun?.left, conflicts: [], left: 0 });
    // Backups hold secrets.
    expect((await stat(second)).mode & 0o777).toBe(0o600);

    const after = await everything();
    for (const [id, one] of before) {
      expect(normalize(after.get(id)).app, id).toEqual(normalize(one).app);
    }
    expect(after.get("app-1")?.Enabled).toEqual({ BOOL: false });
    expect(after.get("app-4")).not.toHaveProperty("MaxChannelNameLength");
    expect(after.get("app-6")?.Webhooks?.S).toContain("http://x/t0ken");
    const nothing = await run("--fix", "--yes", "--json");
    expect([nothing.status, jsonLines(nothing)]).toEqual([2, [{ planned: 0, written: 0 }]]);

    for (const file of [second, first]) {
      const restored = await run("--restore", file, "--yes", "--json");
      expect(restored.status, restored.stderr).toBe(0);
    }
    expect(await everything()).toEqual(before);
  });
});

describe("validate", () => {
  it("tells every problem, worst first, with a summary, and no secret", async () => {
    await items.create(item("worst", { AppKey: { S: "app-0-key" }, Webhooks: { S: "[{},{}]" } }));
    await items.create(item("app-0-key", { AppKey: { S: "own-key" } }));
    const result = await run("--json");
    expect(result.status).toBe(2);
    const [report] = jsonLines<Report>(result);
    expect(report?.items).toBe(ITEMS + 2);
    expect(report?.apps[0]?.appId).toBe("worst");
    expect(report?.apps[0]?.findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["webhook-without-target", "key-shared", "id-is-key"]),
    );
    const summary = Object.fromEntries(report?.summary.map(({ code, items: n }) => [code, n]) ?? []);
    expect(summary).toMatchObject({
      "limit-unreadable": 833,
      "limit-negative": 833,
      "key-shared": 2,
      "id-is-key": 3,
    });
    expect(result.stdout).not.toMatch(/s3cret|t0ken|-secret/);
    const text = await run("--limit", "3");
    expect(text.stdout).toMatch(/… and \d+ more/);
    expect(text.stdout).toContain(`${ITEMS + 2} items`);
    await items.delete("worst", {});
    await items.delete("app-0-key", {});
  });

  it("leaves alone what somebody else changes meanwhile, and what was changed since when it restores", async () => {
    const table = await openAppsTable(inject("dynamodbEndpoint"), "contended");
    const own = { ...env, APP_MANAGER_DYNAMODB_TABLE: "contended" };
    for (const id of ["a", "b"]) await table.put(item(id, { Enabled: { S: "no" } }));
    const backup = join(folder, "contended.jsonl");
    const fixed = await cli(["validate", "--fix", "--yes", "--backup", backup], { env: own });
    expect(fixed.status, fixed.stderr).toBe(0);
    await table.update("a", { Enabled: { BOOL: true } });
    await table.delete("b");
    // A crash in the middle of a line: that item was not written.
    await writeFile(backup, `${await readFile(backup, "utf8")}{"appId":"c","be`);
    const restored = await cli(["validate", "--restore", backup, "--yes"], { env: own });
    expect(restored.status).toBe(2);
    expect(restored.stdout).toMatch(/2 items skipped, changed by someone else: b, a|: a, b/);
    expect((await table.get("a"))?.Enabled).toEqual({ BOOL: true });
    const wrong = await cli(["validate", "--restore", backup, "--yes"], { env });
    expect([wrong.status, wrong.stderr]).toEqual([
      1,
      expect.stringContaining("found one of contended: set --table"),
    ]);
    const again = await cli(["validate", "--fix", "--yes", "--backup", backup], { env });
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining("found that it exists")]);
  });

  it("removes overlaps that are over, not those that run, nor what somebody has begun meanwhile", async () => {
    const table = await openAppsTable(inject("dynamodbEndpoint"), "overlaps");
    const own = { ...env, APP_MANAGER_DYNAMODB_TABLE: "overlaps" };
    const overlap = (secret: string, until: number) => ({
      AppSecretPrevious: { S: secret },
      AppSecretPreviousUntil: { N: String(until) },
    });
    const inAnHour = Math.ceil(Date.now() / 1_000) + 3_600;
    const [over, running] = [overlap("former", 1_700_000_000), overlap("former", inAnHour)];
    await table.put(item("over", over));
    await table.put(item("running", running));

    const seen = await cli(["validate"], { env: own });
    expect([seen.status, seen.stdout]).toEqual([0, expect.stringMatching(/^overlap-over +1$/m)]);
    expect(seen.stdout).toMatch(/^over +warning +overlap-over .*apps end-overlap over\. --fix does it\.$/m);

    // A warning is no failure, unless it is asked for.
    expect((await cli(["validate", "--strict"], { env: own })).status).toBe(2);

    const backup = join(folder, "overlaps.jsonl");
    const fixed = await cli(["validate", "--fix", "--json", "--backup", backup, "--yes", "--strict"], {
      env: own,
    });
    expect([fixed.status, jsonLines(fixed)[0]]).toMatchObject([0, { planned: 1, written: 1 }]);
    expect(await table.get("over")).toEqual(item("over"));
    expect(await table.get("running")).toEqual(item("running", running));

    const restored = await cli(["validate", "--restore", backup, "--yes"], { env: own });
    expect(restored.status, restored.stderr).toBe(0);
    expect(await table.get("over")).toEqual(item("over", over));

    // Read, and rotated anew before it is written.
    const { repairs } = checkItem(item("over", over), Date.now());
    const { appId, after, before } = planned(item("over", over), repairs);
    await table.put(item("over", running));
    const write = createAppItems(client, "overlaps").change(appId, after, before);
    await expect(write).rejects.toThrow(/found it changed or deleted by someone else/);
    expect(await table.get("over")).toEqual(item("over", running));
  });

  it("reads files: a scan, a list, lines, compressed", async () => {
    const bad = {
      AppId: { S: "bad" },
      AppKey: { S: "k" },
      AppSecret: { S: "x" },
      Enabled: { B: "ZmFsc2U=" },
    };
    const good = { AppId: { S: "good" }, AppKey: { S: "g" }, AppSecret: { S: "x" } };
    const files: [string, string | Buffer][] = [
      ["scan.json", JSON.stringify({ Items: [bad, good], Count: 2 }, null, 2)],
      ["list.json", JSON.stringify([bad, good])],
      ["lines.jsonl", `${JSON.stringify({ Item: bad })}\n${JSON.stringify({ Item: good })}\n`],
      ["export.json.gz", gzipSync(`${JSON.stringify({ Item: bad })}\n${JSON.stringify({ Item: good })}\n`)],
    ];
    for (const [name, content] of files) {
      await writeFile(join(folder, name), content);
      const result = await cli(["validate", join(folder, name), "--json"]);
      expect(result.status, result.stderr).toBe(0);
      expect(jsonLines<Report>(result)[0]).toMatchObject({
        items: 2,
        apps: [{ appId: "bad", findings: [{ code: "flag-not-bool" }] }],
      });
    }
    await writeFile(join(folder, "other.json"), "{\n no json");
    const other = await cli(["validate", join(folder, "other.json")]);
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining("expected DynamoDB JSON")]);
  });

  // A runner of tests or of builds sets these, and its log is no terminal.
  it.each(["CI", "FORCE_COLOR"])(
    "has no colours where it is not read on a terminal, also with %s",
    async (name) => {
      const file = join(folder, "colours.json");
      await writeFile(
        file,
        JSON.stringify([{ AppId: { S: "bad" }, AppKey: { S: "k" }, Enabled: { S: "maybe" } }]),
      );
      const { stdout } = await cli(["validate", file], { env: { [name]: "1" } });
      expect(stdout).toMatch(/^app +severity +code/m);
      expect(stdout).not.toContain("\u001b");
    },
  );

  it("says in words that there is no table, and that nobody is there", async () => {
    const none = await cli(["validate", "--table", "nowhere"], { env });
    expect([none.status, none.stderr]).toEqual([
      1,
      expect.stringMatching(/expected table nowhere at http.*, found none: set --table/),
    ]);
    const nobody = await cli(["validate", "--endpoint", "http://127.0.0.1:1"], { env });
    expect([nobody.status, nobody.stderr]).toEqual([
      1,
      expect.stringContaining("DynamoDB at 127.0.0.1:1 refused the connection (ECONNREFUSED)"),
    ]);
  });
});
