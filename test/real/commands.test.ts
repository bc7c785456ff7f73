import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { openAppsTable } from "../../local/apps-table.ts";
import { DOCUMENTED_COMMANDS } from "../support/documented-commands.ts";
import { cli } from "../support/cli.ts";
import { item } from "../support/fleet.ts";

/** Commands of the documents that are run as they stand. */
const COMMANDS = Object.entries(DOCUMENTED_COMMANDS).flatMap(([command, proof]) =>
  proof.by === "run" ? [[command, proof.exit ?? 0, proof] as const] : [],
);

let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-commands-"));
  const table = await openAppsTable(inject("dynamodbEndpoint"), `apps-${randomUUID().slice(0, 8)}`);
  for (const id of ["acme", "globex"]) await table.put(item(id));
  // Something to rewrite.
  await table.put(item("hooli", { Enabled: { S: "yes" } }));
  writeFileSync(join(folder, "item.json"), JSON.stringify({ Item: item("acme") }));
  env = {
    REDIS_URL: inject("redisUrl"),
    APP_MANAGER_DYNAMODB_TABLE: table.name,
    APP_MANAGER_DYNAMODB_ENDPOINT: inject("dynamodbEndpoint"),
    AWS_REGION: "us-east-1",
  };
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

// In the documents' order: one deletes what others change.
describe(
  "a command of the documents, in a folder with item.json, on a table with acme, globex and hooli",
  { shuffle: false },
  () => {
    it.each(COMMANDS)("%s ends with %i", async (command, exit, { until, also = [] }) => {
      const [program, ...args] = command.split(" ");
      expect(program).toBe("soketi-app-sync");
      let said = "";
      const { status, stderr } = await cli([...args, ...also], {
        env,
        cwd: folder,
        onOutput: (text, kill) => {
          const isNews = until !== undefined && !said.includes(until);
          said += text;
          // Once: a second one ends it at once.
          if (isNews && said.includes(until)) kill("SIGINT");
        },
      });
      const complaints = stderr
        .replace(/^backup: .*\n/, "")
        // A relay's log: that it flushes at its first start, and that it was told to end.
        .replace(/^\{"level":"(?:INFO|WARN)".*\}\n/gm, "");
      expect([status, exit === 0 ? complaints : ""]).toEqual([exit, ""]);
      if (until !== undefined) expect(said).toContain(until);
    });
  },
);
