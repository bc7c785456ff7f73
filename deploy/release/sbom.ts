import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

/**
 * What is in all that ships, as CycloneDX: every package of which a byte goes into a function or the agent, or that the command
 * line and the library ask for. Told by esbuild, which puts them together, not by package.json: `npm sbom --omit dev` of npm 11
 * leaves out each dependency that a development dependency has as well. Without times and random numbers: the same
 * sources have the same text.
 */
export async function billOfMaterials(root: string): Promise<string> {
  const handlers = readdirSync(join(root, "handlers")).filter((file) => file.endsWith(".ts"));
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [
      ...handlers.map((file) => `handlers/${file}`),
      "src/soketi/preload.ts",
      // Not the construct for CDK: what it needs is a part of the app that takes it.
      "src/cli/cli.ts",
      "src/library/index.ts",
      "src/console/page/app.tsx",
    ],
    outdir: "dist",
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    // Of Lambda's runtime, as in esbuild.config.mjs.
    external: ["@aws-sdk/client-secrets-manager", "@aws-sdk/client-ssm"],
    logLevel: "error",
  });
  const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-sbom-"));
  try {
    const [from, to] = [join(folder, "metafile.json"), join(folder, "sbom.json")];
    writeFileSync(from, JSON.stringify(metafile));
    execFileSync(
      join(root, "node_modules/.bin/cyclonedx-esbuild"),
      ["--output-reproducible", "--validate", "--build-working-dir", root, "--output-file", to, from],
      { cwd: root, stdio: ["ignore", "ignore", "pipe"] },
    );
    return readFileSync(to, "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
