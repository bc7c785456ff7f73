/**
 * `npm run bench:cold`: the deployed bundle from process start to its first handled event, beside a bare handler that only
 * imports ioredis and publishes. Real Redis; alternating.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { provide } from "../local/provide.ts";
import { REDIS } from "../local/requirements.mjs";
import { startRedis } from "../local/redis-server.ts";
import { publish, ratio, SPREAD, spread } from "./report.ts";

const ROUNDS = 25;

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "bench-cold-"));
const bare = join(folder, "bare.mjs");
await build({
  absWorkingDir: root,
  entryPoints: ["bench/cold/bare-handler.ts"],
  outfile: bare,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  minify: true,
  legalComments: "none",
  banner: {
    js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
  },
});
const bundles = { "soketi-app-sync": join(root, "dist/handlers/stream.mjs"), "bare ioredis": bare };

provide(REDIS, console.log);
const redis = await startRedis();
const env = {
  ...process.env,
  NODE_OPTIONS: "",
  REDIS_URL: redis.url,
  APP_MANAGER_DYNAMODB_TABLE: "apps",
  AWS_REGION: "us-east-1",
};

async function start(bundle: string): Promise<number> {
  const script = join(root, "bench/cold/first-event.mjs");
  const { stdout } = await run(
    process.execPath,
    [script, bundle, join(root, "test/factories/aws-event.json")],
    { env },
  );
  const ms = Number(/first event after ([\d.]+) ms/.exec(stdout)?.[1]);
  if (!(ms > 0)) throw new Error(`expected a time from ${bundle}, found ${stdout}`);
  return ms;
}

const results: Record<string, number[]> = {};
for (let round = -2; round < ROUNDS; round += 1) {
  for (const [name, bundle] of Object.entries(bundles)) {
    const ms = await start(bundle);
    if (round >= 0) (results[name] ??= []).push(ms);
  }
}
await redis.stop();
const sizes = Object.entries(bundles).map(([name, file]) => [name, statSync(file).size / 1_000] as const);
rmSync(folder, { recursive: true });

const [ours = [], theirs = []] = Object.values(results);
publish({
  name: "cold",
  about:
    "Milliseconds from process start to the first handled event, beside a bundle of ioredis that publishes once.",
  tables: [
    {
      columns: ["", ...SPREAD, "bundle"],
      rows: sizes.map(([name, kB]) => [name, ...spread(results[name] ?? []), `${kB.toFixed(0)} kB`]),
    },
  ],
  conclusions: [`${ratio(ours, theirs).toFixed(2)} times the bare handler.`],
  data: results,
});
process.exit(0);
