import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findSoketiRoot, runningScript } from "../../../src/soketi/package.ts";

describe("findSoketiRoot", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "soketi-root-"));
    mkdirSync(join(folder, "soketi", "bin"), { recursive: true });
    writeFileSync(join(folder, "soketi", "package.json"), '{"name":"@soketi/soketi"}');
    writeFileSync(join(folder, "soketi", "bin", "server.js"), "");
    writeFileSync(join(folder, "other.js"), "");
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("finds the package above the script, through a link", () => {
    symlinkSync(join(folder, "soketi", "bin", "server.js"), join(folder, "soketi-link"));
    expect(findSoketiRoot(join(folder, "soketi-link"))).toMatch(/\/soketi$/);
  });

  it("finds it when the script is named without its extension, as Node does", () => {
    expect(findSoketiRoot(join(folder, "soketi", "bin", "server"))).toMatch(/\/soketi$/);
  });

  it.each([undefined, "", "/nowhere/at/all.js"])("finds none for %j", (script) => {
    expect(findSoketiRoot(script)).toBeUndefined();
  });

  it("finds none for a package inside soketi's folder, such as its own dependencies", () => {
    const inside = join(folder, "soketi", "node_modules", "pm2", "bin");
    mkdirSync(inside, { recursive: true });
    writeFileSync(join(folder, "soketi", "node_modules", "pm2", "package.json"), '{"name":"pm2"}');
    writeFileSync(join(inside, "package.json"), '{"type":"commonjs"}');
    writeFileSync(join(inside, "pm2.js"), "");
    expect(findSoketiRoot(join(inside, "pm2.js"))).toBeUndefined();
  });

  it("finds none for another program, nor where a package.json is broken", () => {
    expect(findSoketiRoot(join(folder, "other.js"))).toBeUndefined();
    writeFileSync(join(folder, "package.json"), "{");
    expect(findSoketiRoot(join(folder, "other.js"))).toBeUndefined();
  });
});

describe("runningScript", () => {
  it("is the script, or under pm2 what pm2 says", () => {
    const env = { pm_exec_path: "/app/bin/pm2.js" };
    expect(runningScript(["node", "/app/bin/server.js"], env)).toBe("/app/bin/server.js");
    expect(runningScript(["node", "/x/pm2/lib/ProcessContainerFork.js"], env)).toBe("/app/bin/pm2.js");
    expect(runningScript(["node", "/x/pm2/lib/ProcessContainer.js"], env)).toBe("/app/bin/pm2.js");
    expect(runningScript(["node"], env)).toBeUndefined();
    const cluster = { pm2_env: '{"pm_exec_path":"/app/bin/pm2.js"}' };
    expect(runningScript(["node", "/x/pm2/lib/ProcessContainer.js"], cluster)).toBe("/app/bin/pm2.js");
    expect(runningScript(["node", "/x/ProcessContainer.js"], { pm2_env: "{" })).toBeUndefined();
    expect(runningScript(["node", "/x/ProcessContainer.js"], {})).toBeUndefined();
  });
});
