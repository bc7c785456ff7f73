import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { type AppsTable, openAppsTable } from "../../local/apps-table.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { item } from "../support/fleet.ts";
import { putAll } from "../support/many-apps.ts";

/** With a kilobyte each, several pages of a scan: DynamoDB's are of 1 MB. */
const MANY = 3_000;

let table: AppsTable;
let env: Record<string, string>;

beforeAll(async () => {
  table = await openAppsTable(inject("dynamodbEndpoint"), `list-${randomUUID().slice(0, 8)}`);
  const filler = { Comment: { S: "x".repeat(1_000) } };
  const many = Array.from({ length: MANY }, (_, i) =>
    item(`many-${i}`, { MaxConnections: { N: String(i) }, Enabled: { BOOL: i % 3 > 0 }, ...filler }),
  );
  await putAll(inject("dynamodbEndpoint"), table.name, many);
  const webhooks = '[{"url":"https://hooks.example.com/t0ken","event_types":["channel_occupied"]}]';
  await table.put(item("hooked", { Webhooks: { S: webhooks } }));
  await table.put({ AppId: { S: "broken" }, AppKey: { S: "broken-key" } });
  env = {
    APP_MANAGER_DYNAMODB_TABLE: table.name,
    APP_MANAGER_DYNAMODB_ENDPOINT: inject("dynamodbEndpoint"),
  };
});

const list = (...args: string[]) => cli(["apps", "list", ...args], { env });

interface Listed {
  readonly id: string;
  readonly maxConnections?: number;
}

describe("apps list", () => {
  it("shows every app of a table of many pages once, and no secret", async () => {
    const result = await list("--json");
    expect([result.status, result.stderr]).toEqual([0, ""]);
    const ids = jsonLines<Listed>(result).map(({ id }) => id);
    expect(ids).toHaveLength(MANY + 2);
    expect(new Set(ids).size).toBe(MANY + 2);
    const people = await list();
    expect(people.stdout.trimEnd().split("\n").at(-1)).toBe(`${MANY + 2} apps`);
    expect(people.stdout.split("\n").length).toBe(MANY + 2 + 1 + 3);
    for (const { stdout } of [result, people]) expect(stdout).not.toMatch(/-secret\b|t0ken|xxx/);
  });

  it("shows what nodes make of an item, and what is wrong with it", async () => {
    const result = await list("--where", "id!~^many", "--sort", "id", "--json");
    expect(jsonLines(result)).toEqual([
      { id: "broken", key: "broken-key", webhooks: undefined, problems: [expect.anything()] },
      expect.objectContaining({
        id: "hooked",
        key: "hooked-key",
        enabled: true,
        enableClientMessages: false,
        maxConnections: -1,
        webhooks: [{ origin: "https://hooks.example.com", eventTypes: ["channel_occupied"] }],
        problems: [],
      }),
    ]);
    const people = await list("--where", "id!~^many", "--sort", "id");
    expect(people.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["id", "key", "enabled", "maxConnections", "webhooks", "problems"],
      ["broken", "broken-key", "-", "-", "-", "identity-missing"],
      ["hooked", "hooked-key", "true", "unlimited", "https://hooks.example.com", "-"],
      [""],
      ["2 apps"],
      [""],
    ]);
  });

  it("filters, sorts, limits and chooses columns", async () => {
    const result = await list(
      "--where",
      "enabled=false",
      "--where",
      "maxConnections<1000",
      "--where",
      "id~^many-",
      "--sort",
      "-maxConnections",
      "--limit",
      "3",
      "--columns",
      "id,maxConnections",
      "--json",
    );
    expect(jsonLines(result)).toEqual([999, 996, 993].map((i) => ({ id: `many-${i}`, maxConnections: i })));
    expect(jsonLines(await list("--limit", "7", "--json"))).toHaveLength(7);
    const none = await list("--where", "id=nobody");
    expect([none.status, none.stdout]).toEqual([0, expect.stringMatching(/\n\n0 apps\n$/)]);
  });

  it("refuses what it does not know, and reads nothing", async () => {
    for (const [args, message] of [
      [["--where", "secret=x"], /--where: expected one of id, key, .*; found "secret"/],
      [["--sort", "age"], /--sort: expected one of id, .*; found "age"/],
      [["--columns", "id,AppSecret"], /--columns: expected one of id, .*; found "AppSecret"/],
    ] as const) {
      const { status, stdout, stderr } = await list(...args);
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(message);
    }
  });
});
