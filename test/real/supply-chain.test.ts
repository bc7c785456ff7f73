import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { root } from "../support/fleet.ts";
import { copySources } from "../support/source-copy.ts";
import "../support/background.ts";

describe("the package", () => {
  it("runs nothing when it is installed", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
    const hooks = ["preinstall", "install", "postinstall", "prepare", "prepublish"];
    expect(Object.keys(scripts).filter((name) => hooks.includes(name))).toEqual([]);
  });
});

describe("dist/agent.cjs", () => {
  const agent = readFileSync(join(root, "dist/agent.cjs"), "utf8");

  it("requires nothing by name but Node's own modules", () => {
    const required = [...agent.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = ""]) =>
      name.replace(/^node:/, ""),
    );
    expect(required.length).toBeGreaterThan(3);
    expect(required.filter((name) => !builtinModules.includes(name))).toEqual([]);
  });

  it("is made of our own files", async () => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: ["src/soketi/preload.ts"],
      outfile: "dist/agent.cjs",
      bundle: true,
      platform: "node",
      write: false,
      metafile: true,
    });
    expect(Object.keys(metafile.inputs).filter((file) => !file.startsWith("src/"))).toEqual([]);
  });

  it("is the same to the byte when somebody else builds it", () => {
    const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-build-"));
    try {
      copySources(folder);
      execFileSync(process.execPath, ["esbuild.config.mjs"], { cwd: folder });
      expect(readFileSync(join(folder, "dist/agent.cjs"), "utf8") === agent).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
