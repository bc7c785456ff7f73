/**
 * `npm run bench:many`: new secrets for 500 apps by one command, until four real soketi nodes have confirmed all of them; and a
 * table of 100,000 apps listed, with the memory that it takes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAppsTable } from "../local/apps-table.ts";
import { startRedis } from "../local/redis-server.ts";
import { startSoketi } from "../local/soketi-node.ts";
import { agentFile } from "../local/stack.ts";
import { accepts, eventually, item, root } from "../test/support/fleet.ts";
import { putAll } from "../test/support/many-apps.ts";
import { startProvidedDynamoDb } from "../test/support/provided-dynamodb.ts";
import { figure, publish } from "./report.ts";

const ROTATED = 500;
const ROUNDS = 5;
const NODES = 4;
const LISTED = 100_000;

const dynamodb = await startProvidedDynamoDb();
const redis = await startRedis();
const folder = await mkdtemp(join(tmpdir(), "bench-many-"));
const few = await openAppsTable(dynamodb.endpoint, "few");
const many = await openAppsTable(dynamodb.endpoint, "many");

/** @returns seconds from the start of the process to its end, and the most memory that it had. */
async function command(table: string, ...args: string[]) {
  const peak =
    'import { writeSync } from "node:fs";' +
    'process.on("exit", () => writeSync(2, `${process.resourceUsage().maxRSS}\\n`));';
  const started = performance.now();
  const child = spawn(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(peak)}`, join(root, "dist/cli.mjs"), ...args],
    {
      env: {
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        REDIS_URL: redis.url,
        APP_MANAGER_DYNAMODB_TABLE: table,
        APP_MANAGER_DYNAMODB_ENDPOINT: dynamodb.endpoint,
      },
    },
  );
  let lines = 0;
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (lines += chunk.toString().split("\n").length - 1));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) throw new Error(`expected ${args.join(" ")} to end with 0, found ${status}: ${stderr}`);
  const seconds = (performance.now() - started) / 1_000;
  return { seconds, lines, megabytes: Number(stderr.trim().split("\n").at(-1)) / 1_024 };
}

const ids = Array.from({ length: ROTATED }, (_, i) => `app-${i}`);
await putAll(
  dynamodb.endpoint,
  few.name,
  ids.map((id) => item(id)),
);
const nodes = await Promise.all(
  Array.from({ length: NODES }, () =>
    startSoketi({
      redisUrl: redis.url,
      dynamodbEndpoint: dynamodb.endpoint,
      table: few.name,
      agent: agentFile,
    }),
  ),
);
for (const node of nodes)
  await eventually("a node to follow", async () => (await node.metrics()).lease_held === 1);

/** Each node takes each new secret. @returns how many are not in force. */
async function notInForce(file: string): Promise<number> {
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  const told = lines.map((line) => JSON.parse(line) as { appId: string; secret: string });
  let missing = ROTATED - new Set(told.map(({ appId }) => appId)).size;
  for (const { appId, secret } of told) {
    const taken = await Promise.all(nodes.map((node) => accepts(node, appId, secret)));
    missing += taken.filter((isTaken) => !isTaken).length;
  }
  return missing;
}

const rotations: { readonly seconds: number; readonly notInForce: number }[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const out = join(folder, `secrets-${round}.jsonl`);
  const options = ["--all", "--yes", "--overlap", "1h", "--force", "--out", out, "--json"];
  const { seconds } = await command(few.name, "apps", "rotate-secret", ...options);
  rotations.push({ seconds, notInForce: await notInForce(out) });
}

await putAll(
  dynamodb.endpoint,
  many.name,
  Array.from({ length: LISTED }, (_, i) => item(`app-${i}`, { MaxConnections: { N: String(i) } })),
);
const lists: Record<string, Awaited<ReturnType<typeof command>>> = {};
for (const args of ["--limit 100", "", "--json", "--sort -maxConnections"]) {
  const name = `apps list ${args}`.trim();
  lists[name] = await command(many.name, ...name.split(" "));
}

await Promise.all(nodes.map((node) => node.stop()));
await redis.stop();
await dynamodb.stop();
await rm(folder, { recursive: true });

const seconds = rotations.map((one) => one.seconds).sort((a, b) => a - b);
const missing = rotations.reduce((sum, one) => sum + one.notInForce, 0);
publish({
  name: "many",
  about:
    `\`apps rotate-secret --all --overlap 1h\` on ${ROTATED} apps, ${ROUNDS} times, until all of ${NODES} soketi nodes have confirmed; then ` +
    `\`apps list\` on ${LISTED.toLocaleString("en")} apps. DynamoDB Local.`,
  tables: [
    {
      columns: ["", "shortest", "longest", "secrets that a node refuses"],
      rows: [
        [
          `${ROTATED} rotations`,
          `${figure(seconds[0] ?? 0)} s`,
          `${figure(seconds.at(-1) ?? 0)} s`,
          `${missing} of ${ROTATED * NODES * ROUNDS}`,
        ],
      ],
    },
    {
      columns: [`${LISTED.toLocaleString("en")} apps`, "time", "peak memory"],
      rows: Object.entries(lists).map(([name, one]) => [
        `\`${name}\``,
        `${figure(one.seconds)} s`,
        `${Math.round(one.megabytes)} MB`,
      ]),
    },
  ],
  data: { rotations, lists },
});
process.exit(0);
