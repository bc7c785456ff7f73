import { execFileSync } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { nodeBinary } from "../../local/node-binary.ts";
import { root } from "../support/fleet.ts";
import { copySources } from "../support/source-copy.ts";

let folder: string;
let sources: string;
let tarball: string;

/** It waits without the event loop, so that no time limit of the test ends what hangs. Milliseconds. */
const RUN_LIMIT_MS = 500_000;

const run = (command: string, args: readonly string[], cwd = folder, env = process.env) =>
  execFileSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: RUN_LIMIT_MS,
  });
const bin = (name: string) => join(root, "node_modules", ".bin", name);

/** The code in docs/library.md. */
const documented = [
  ...readFileSync(join(root, "docs/library.md"), "utf8").matchAll(/^```ts\n([^]*?)^```/gm),
].map(([, code = ""]) => code);

/** What users get: packed, which builds it anew, and installed into an empty project. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-shipped-"));
  sources = await mkdtemp(join(tmpdir(), "soketi-app-sync-sources-"));
  copySources(sources);
  run("npm", ["pack", "--silent", "--pack-destination", folder], sources);
  tarball = readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? "";
  await writeFile(join(folder, "package.json"), '{"name":"empty","private":true,"type":"module"}');
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", `./${tarball}`]);
});

afterAll(async () => {
  for (const one of [folder, sources]) await rm(one, { recursive: true, force: true });
});

describe("the package", () => {
  it("holds what it is meant to hold, and nothing else", () => {
    const files = run("tar", ["tzf", tarball]).split("\n").filter(Boolean);
    const tops = new Set(files.map((file) => file.replace(/^package\//, "").split("/")[0]));
    expect([...tops].sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist",
      "docs",
      "package.json",
    ]);
    expect(files).toEqual(
      expect.arrayContaining(
        [
          "agent.cjs",
          "agent.d.cts",
          "cli.mjs",
          "cli.cjs",
          "index.mjs",
          "index.d.mts",
          "cdk.cjs",
          "cdk.d.cts",
          "console/app.js",
        ].map((file) => `package/dist/${file}`),
      ),
    );
  });

  it("stays under 1.5 MB, without what only a clone of the repository is for", () => {
    const installed = join(folder, "node_modules", "soketi-app-sync");
    const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
    const parts = files.map((file) => statSync(join(installed, file))).filter((file) => file.isFile());
    expect(parts.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(1_500_000);
    // Pictures, reports of the tests, and the functions: serverless.yml, which deploys them, is not here.
    expect(files.filter((file) => /docs\/img|\.png$|survivors|handlers/.test(file))).toEqual([]);
  });

  it("passes publint and arethetypeswrong", () => {
    run(bin("publint"), ["run", tarball, "--strict"]);
    // It is for Node 20.19 and later, all of which can require() an ES module.
    run(bin("attw"), [tarball, "--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm", "--no-emoji"]);
  });

  it.each(["nodenext", "bundler"])(
    "has types under moduleResolution %s, which what is documented agrees with",
    async (resolution) => {
      expect(documented.length).toBeGreaterThan(3);
      const source = `
      import { attach } from "soketi-app-sync/agent";
      import { follow, normalize, openApps, RedisError, TableError } from "soketi-app-sync";
      import type { App, Change, FlushReason, Follower, Invalidation, RedisSettings } from "soketi-app-sync";
      const { app, problems } = normalize({ AppId: { S: "a" } });
      const limit: number | undefined = app?.limits.maxConnections;
      const show = ({ appId, changed }: Change) => [appId, changed];
      const onChange = async ({ appId }: Invalidation, whole: () => Promise<Change | undefined>) => {
        const change = await whole();
        if (change?.appId === appId) show(change);
      };
      const follower: Follower = follow({ onChange });
      const redis: RedisSettings = { kind: "cluster", nodes: [{ host: "a", port: 6379 }], tls: true };
      const onFlush = (reason: FlushReason) => reason === "first-sync";
      const onError = (error: unknown) => error instanceof RedisError || error instanceof TableError;
      follow({ redis, onFlush, onError });
      const found: Promise<App | null> = openApps({ limits: { maxEntries: 5 } }).byKey("k");
      // @ts-expect-error: an app is found by text
      void openApps().byId(5);
      export { attach, follower, found, limit, problems };
    `;
      const files = ["use.ts", ...documented.map((_, i) => `documented-${i}.ts`)];
      for (const [i, file] of files.entries())
        await writeFile(join(folder, file), [source, ...documented][i] ?? "");
      const compilerOptions = {
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        target: "es2022",
        lib: ["es2022", "dom"],
        // The AWS SDK's types need Node's.
        types: ["node"],
        typeRoots: [join(root, "node_modules", "@types")],
        module: resolution === "nodenext" ? "nodenext" : "esnext",
        moduleResolution: resolution,
      };
      await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
      run(bin("tsc"), ["-p", "."]);
    },
  );
});

describe("the construct for CDK", () => {
  const [, example = ""] = /^## CDK$[^]*?^```ts\n([^]*?)^```/m.exec(readFileSync(join(root, "docs/release.md"), "utf8")) ?? []; // prettier-ignore

  /** An app has them; the package does not bring them along. */
  beforeAll(async () => {
    expect(existsSync(join(folder, "node_modules/aws-cdk-lib"))).toBe(false);
    for (const name of ["aws-cdk-lib", "constructs"])
      await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
  });

  it.each([
    ["nodenext", "an ES module", "mts"],
    ["nodenext", "CommonJS", "cts"],
    ["esnext", "bundled", "ts"],
  ])(
    "has types under module %s, as %s, which the documented example agrees with",
    async (module, _, ending) => {
      expect(example).toContain("soketi-app-sync/cdk");
      await writeFile(join(folder, `cdk.${ending}`), example);
      const compilerOptions = {
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        target: "es2022",
        types: ["node"],
        typeRoots: [join(root, "node_modules", "@types")],
        module,
        moduleResolution: module === "nodenext" ? "nodenext" : "bundler",
      };
      const project = join(folder, `tsconfig.cdk.${ending}.json`);
      await writeFile(project, JSON.stringify({ compilerOptions, files: [`cdk.${ending}`] }));
      run(bin("tsc"), ["-p", project]);
    },
  );

  it("can be imported, and required", () => {
    const script = `
      import { SoketiAppSync } from "soketi-app-sync/cdk";
      import { createRequire } from "node:module";
      const required = createRequire(import.meta.url)("soketi-app-sync/cdk");
      console.log(typeof SoketiAppSync, required.SoketiAppSync === SoketiAppSync);
    `;
    expect(run(process.execPath, ["--input-type=module", "-e", script])).toBe("function true\n");
  });
});

describe.each(["20", "22", "24"])("on Node %s", (major) => {
  const node = nodeBinary(major);

  it.skipIf(node === undefined)("each export can be imported, and required, and runs", () => {
    const script = `
      import { follow, normalize, openApps } from "soketi-app-sync";
      import { attach } from "soketi-app-sync/agent";
      import { createRequire } from "node:module";
      const required = createRequire(import.meta.url);
      console.log(process.versions.node.split(".")[0], typeof follow, typeof openApps, typeof attach);
      console.log(typeof required("soketi-app-sync/agent").attach, typeof required("soketi-app-sync").follow);
      console.log(normalize({ AppId: { S: "a" }, AppKey: { S: "k" }, AppSecret: { S: "s" } }).app.id);
      const follower = follow({ prefix: "{shipped}", onFlush: console.log });
      await follower.ready;
      console.log(follower.fresh);
      await follower.close();
    `;
    // It ends by itself: nothing is left open.
    const env = { PATH: process.env.PATH, APP_SYNC_REDIS_URL: inject("redisUrl") };
    expect(run(node ?? "", ["--input-type=module", "-e", script], folder, env).split("\n")).toEqual([
      `${major} function function function`,
      "function function",
      "a",
      "first-sync",
      "true",
      "",
    ]);
  });

  it.skipIf(node === undefined)("the bin runs", () => {
    const cli = join(folder, "node_modules", ".bin", "soketi-app-sync");
    expect(run(node ?? "", [cli, "--version"])).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run(node ?? "", [cli, "apps", "--help"])).toContain("rotate-secret");
  });
});
