/**
 * `npm run build`: everything that ships, one esbuild call for each kind of place it runs in.
 * deploy/plugin.cjs runs this before each package and deploy, so a stale bundle cannot be deployed.
 */
import { copyFileSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL(".", import.meta.url));
const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

/** @type {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  define: { __VERSION__: JSON.stringify(version) },
};

// CommonJS packages inside an ES module bundle still call require() for Node's own modules.
const requireBanner =
  'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);';

const handlers = readdirSync(new URL("handlers", import.meta.url)).filter((file) => file.endsWith(".ts"));

await Promise.all([
  build({
    ...common,
    entryPoints: handlers.map((file) => `handlers/${file}`),
    outdir: "dist/handlers",
    outExtension: { ".js": ".mjs" },
    // Loaded only where a password is kept there; Lambda's runtime has them. What colours ioredis' log is optional.
    external: ["@aws-sdk/client-secrets-manager", "@aws-sdk/client-ssm", "supports-color"],
    format: "esm",
    target: "node24",
    banner: { js: requireBanner },
  }),
  build({
    ...common,
    entryPoints: ["src/soketi/preload.ts"],
    outfile: "dist/agent.cjs",
    format: "cjs",
    target: "node16",
  }),
  build({
    ...common,
    entryPoints: ["src/console/page/app.tsx"],
    outdir: "dist/console",
    platform: "browser",
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
  }),
  build({
    ...common,
    minify: false,
    entryPoints: ["src/library/index.ts"],
    outfile: "dist/index.mjs",
    format: "esm",
    target: "node20",
    packages: "external",
  }),
  // CommonJS, as most apps of CDK are.
  build({
    ...common,
    minify: false,
    entryPoints: ["src/cdk/index.ts"],
    outfile: "dist/cdk.cjs",
    format: "cjs",
    target: "node20",
    packages: "external",
  }),
  // Loaded as CommonJS, the packages that it needs take a third less of the time until a command begins: Node reads each of them
  // for the names that it exports otherwise.
  build({
    ...common,
    minify: false,
    entryPoints: ["src/cli/cli.ts"],
    outfile: "dist/cli.cjs",
    format: "cjs",
    target: "node20",
    packages: "external",
    define: { ...common.define, "import.meta.url": "__fileUrl" },
    banner: { js: 'const __fileUrl = require("node:url").pathToFileURL(__filename).href;' },
  }),
  build({
    ...common,
    minify: false,
    entryPoints: ["src/cli/bin.ts"],
    outfile: "dist/cli.mjs",
    format: "esm",
    target: "node20",
    banner: { js: "#!/usr/bin/env node" },
  }),
]);

copyFileSync(
  new URL("src/console/page/index.html", import.meta.url),
  new URL("dist/console/index.html", import.meta.url),
);

// What programs that embed soketi are told of it.
copyFileSync(
  new URL("src/soketi/agent.d.cts", import.meta.url),
  new URL("dist/agent.d.cts", import.meta.url),
);
