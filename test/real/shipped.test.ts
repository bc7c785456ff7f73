import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../support/fleet.ts";
import { nodeBinary } from "../support/node-versions.ts";

let folder: string;
let tarball: string;

const run = (command: string, args: readonly string[], cwd = folder) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const bin = (name: string) => join(root, "node_modules", ".bin", name);

/** What users get: packed, and installed into an empty project. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-shipped-"));
  run("npm", ["pack", "--silent", "--pack-destination", folder], root);
  tarball = readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? "";
  await writeFile(join(folder, "package.json"), '{"name":"empty","private":true,"type":"module"}');
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", `./${tarball}`]);
}, 240_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
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
        ["agent.cjs", "agent.d.cts", "cli.mjs", "index.mjs", "index.d.mts", "handlers/stream.mjs"].map(
          (file) => `package/dist/${file}`,
        ),
      ),
    );
  });

  it("passes publint and arethetypeswrong", () => {
    run(bin("publint"), ["run", tarball, "--strict"]);
    // It is for Node 20.19 and later, all of which can require() an ES module.
    run(bin("attw"), [tarball, "--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm", "--no-emoji"]);
  }, 60_000);

  it.each(["nodenext", "bundler"])(
    "has types under moduleResolution %s",
    async (resolution) => {
      const source = `
      import { attach } from "soketi-app-sync/agent";
      import { follow, normalize, openApps, type App, type Change, type Follower } from "soketi-app-sync";
      const { app, problems } = normalize({ AppId: { S: "a" } });
      const limit: number | undefined = app?.limits.maxConnections;
      const follower: Follower = follow({ onChange: (change: Change) => change.appId });
      const found: Promise<App | null> = openApps({ limits: { maxEntries: 5 } }).byKey("k");
      // @ts-expect-error: an app is found by text
      void openApps().byId(5);
      export { attach, follower, found, limit, problems };
    `;
      await writeFile(join(folder, "use.ts"), source);
      const compilerOptions = {
        ...{
          strict: true,
          noEmit: true,
          skipLibCheck: false,
          target: "es2022",
          types: [],
          lib: ["es2022", "dom"],
        },
        // The AWS SDK's types need Node's.
        ...{ types: ["node"], typeRoots: [join(root, "node_modules", "@types")] },
        ...{ module: resolution === "nodenext" ? "nodenext" : "esnext", moduleResolution: resolution },
      };
      await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
      run(bin("tsc"), ["-p", "."]);
    },
    60_000,
  );
});

describe.each(["20", "22", "24"])("on Node %s", (major) => {
  const node = nodeBinary(major);

  it.skipIf(node === undefined)("each export can be imported, and required", () => {
    const script = `
      import { follow, normalize, openApps } from "soketi-app-sync";
      import { attach } from "soketi-app-sync/agent";
      import { createRequire } from "node:module";
      const required = createRequire(import.meta.url);
      console.log(process.versions.node.split(".")[0], typeof follow, typeof openApps, typeof attach);
      console.log(typeof required("soketi-app-sync/agent").attach, typeof required("soketi-app-sync").follow);
      console.log(JSON.stringify(normalize({ AppId: { S: "a" }, AppKey: { S: "k" }, AppSecret: { S: "s" } }).app.id));
    `;
    const printed = run(node ?? "", ["--input-type=module", "-e", script]);
    expect(printed).toBe(`${major} function function function\nfunction function\n"a"\n`);
  });

  it.skipIf(node === undefined)("the bin runs", () => {
    const cli = join(folder, "node_modules", ".bin", "soketi-app-sync");
    expect(run(node ?? "", [cli, "--version"])).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run(node ?? "", [cli, "apps", "--help"])).toContain("rotate-secret");
  });
});
