import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type AppsTable, openAppsTable } from "../../local/apps-table.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { item } from "../support/fleet.ts";
import { startTableProxy, type TableProxy } from "../support/table-proxy.ts";

const TABLE = "lost-answers";

/** The SDK makes a request three times: the repeated one finds what the first has written, or nobody ever answers. */
const LOST = [
  ["the first answer", 1],
  ["each answer", 3],
] as const;

let table: AppsTable;
let proxy: TableProxy;
let folder: string;

beforeAll(async () => {
  table = await openAppsTable(inject("dynamodbEndpoint"), TABLE);
  proxy = await startTableProxy(inject("dynamodbEndpoint"));
  folder = await mkdtemp(join(tmpdir(), "app-sync-lost-answers-"));
});

afterAll(async () => {
  await proxy.stop();
  await rm(folder, { recursive: true });
});

function run(...args: string[]) {
  return cli(args, {
    env: { APP_MANAGER_DYNAMODB_TABLE: TABLE, APP_MANAGER_DYNAMODB_ENDPOINT: proxy.url },
  });
}

describe.each(LOST)("a write that is done, and %s of it is lost", (_, answers) => {
  it("is no conflict: the secret of a rotation, and of a new app, is told", async () => {
    const [old, made] = [`old-${answers}`, `made-${answers}`];
    await table.put(item(old));
    proxy.lose("UpdateItem", answers);
    const rotated = await run("apps", "rotate-secret", old, "--overlap", "1h", "--no-wait", "--json");
    expect(rotated.status, rotated.stderr).toBe(0);
    const [{ secret } = {}] = jsonLines(rotated);
    expect(await table.get(old)).toMatchObject({
      AppSecret: { S: secret },
      AppSecretPrevious: { S: `${old}-secret` },
    });

    proxy.lose("PutItem", answers);
    const created = await run("apps", "create", made, "--set", "MaxConnections=10", "--no-wait", "--json");
    expect(created.status, created.stderr).toBe(0);
    expect(await table.get(made)).toMatchObject({ AppSecret: { S: jsonLines(created)[0]?.secret } });
  });

  it("counts as done where several are written, deleted, imported or repaired", async () => {
    const ids = ["a", "b"].map((id) => `${id}-${answers}`);
    const spelt = `spelt-${answers}`;
    await Promise.all(ids.map((id) => table.put(item(id))));
    await table.put(item(spelt, { Enabled: { S: "no" } }));

    proxy.lose("UpdateItem", answers);
    const disabled = await run("apps", "disable", ...ids, "--no-wait", "--json");
    expect([disabled.status, jsonLines(disabled).at(-1)]).toEqual([
      0,
      expect.objectContaining({ changed: 2, failed: 0 }),
    ]);

    proxy.lose("UpdateItem", answers);
    const repaired = await run("validate", "--fix", "--yes", "--backup", join(folder, spelt), "--json");
    expect(jsonLines(repaired).at(-1)).toMatchObject({ written: 1, already: 0, conflicts: [] });

    proxy.lose("DeleteItem", answers);
    const deleted = await run("apps", "delete", ...ids, "--yes", "--no-wait", "--json");
    expect([deleted.status, deleted.stderr]).toEqual([0, ""]);
    expect(await Promise.all(ids.map((id) => table.get(id)))).toEqual([undefined, undefined]);

    const file = join(folder, `import-${answers}`);
    await writeFile(file, ids.map((id) => `${JSON.stringify({ Item: item(id) })}\n`).join(""));
    proxy.lose("PutItem", answers);
    const imported = await run("apps", "import", file, "--yes", "--no-wait", "--json");
    expect([imported.status, jsonLines(imported).at(-1)]).toEqual([
      0,
      expect.objectContaining({ changed: 2, failed: 0 }),
    ]);
  });
});

describe.each(["SIGINT", "SIGTERM"] as const)("%s while a change is being written", (signal) => {
  const code = signal === "SIGINT" ? 130 : 143;

  async function interrupted(args: readonly string[], operation: string) {
    let kill = (_signal: NodeJS.Signals): unknown => undefined;
    let heard = (): void => undefined;
    const isHeard = new Promise<void>((resolve) => (heard = resolve));
    proxy.beforeAnswer = async (asked) => {
      if (asked !== operation) return;
      kill(signal);
      await isHeard;
    };
    const result = await cli(args, {
      env: { APP_MANAGER_DYNAMODB_TABLE: TABLE, APP_MANAGER_DYNAMODB_ENDPOINT: proxy.url },
      onOutput(text, send) {
        kill = send;
        if (text.includes("finishing the write in progress")) heard();
      },
    }).finally(heard);
    proxy.beforeAnswer = () => Promise.resolve();
    return result;
  }

  it("does not lose the new secret", async () => {
    const id = `stopped-${signal}`;
    await table.put(item(id));
    // It says something first, that there is no overlap: from then on it can be sent a signal.
    const { status, stdout, stderr } = await interrupted(
      ["apps", "rotate-secret", id, "--json"],
      "UpdateItem",
    );
    expect(jsonLines({ status, stdout, stderr })).toMatchObject([
      { appId: id, secret: (await table.get(id))?.AppSecret?.S },
    ]);
    expect([status, stderr.trim().split("\n").at(-1)]).toEqual([
      code,
      JSON.stringify({
        error: `interrupted: app ${id} is written, and not every node has confirmed it`,
        code: "E_INTERRUPTED",
      }),
    ]);
  });

  it("is no failure where nobody is waited for", async () => {
    const id = `unawaited-${signal}`;
    await table.put(item(id));
    const { status, stdout } = await interrupted(["apps", "rotate-secret", id, "--no-wait"], "UpdateItem");
    expect([status, stdout]).toEqual([0, expect.stringContaining((await table.get(id))?.AppSecret?.S ?? "")]);
  });
});
