import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OldSoketiError } from "../../../src/soketi/errors.ts";
import { isKnownSoketi } from "../../../src/soketi/known-versions.ts";
import { loadSoketi } from "../../../src/soketi/package.ts";

describe("loadSoketi", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "soketi-package-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function write(files: Record<string, string>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
  }

  const libraries = (ioredis: string) => ({
    "node_modules/ioredis/package.json": `{"version":"${ioredis}"}`,
    "node_modules/ioredis/index.js": "exports.Redis = class {};",
    "node_modules/prom-client/index.js": "",
    "dist/server.js": "exports.Server = class {};",
    "dist/app.js": "exports.App = class {};",
    "dist/log.js": "exports.Log = {};",
  });

  it("refuses one that is too old, before it runs anything of it, and says what to do", () => {
    write({
      ...libraries("4.28.5"),
      "package.json": '{"name":"@soketi/soketi","version":"0.30.2"}',
      "dist/server.js": "throw new Error('was run');",
    });
    expect(() => loadSoketi(folder)).toThrow(OldSoketiError);
    expect(() => loadSoketi(folder)).toThrow(
      "soketi 0.30.2 has ioredis 4.28.5; the agent needs ioredis 5 or later: upgrade soketi to 1.4 or later",
    );
  });

  it.each([
    ['{"name":"@soketi/soketi","version":"1.6.1"}', { name: "soketi", version: "1.6.1", isFork: false }],
    ['{"name":"reborn","version":"2.0.0"}', { name: "reborn", version: "2.0.0", isFork: true }],
    ['{"name":"reborn"}', { name: "reborn", version: "without a version", isFork: true }],
  ])("loads %s", (manifest, expected) => {
    write({ ...libraries("5.11.0"), "package.json": manifest });
    expect(loadSoketi(folder)).toMatchObject(expected);
  });

  it("loads the soketi that is installed", () => {
    const root = dirname(createRequire(import.meta.url).resolve("@soketi/soketi/package.json"));
    const { version, isFork } = loadSoketi(root);
    expect([version, isFork]).toEqual(["1.6.1", false]);
  });
});

describe("known versions", () => {
  it.each([
    ["1.4.0", true],
    ["1.5.9", true],
    ["1.6.1", true],
    ["1.3.9", false],
    ["1.7.0", false],
    ["11.4.0", false],
    ["0.30.2", false],
  ])("%s: %s", (version, isKnown) => {
    expect(isKnownSoketi(version)).toBe(isKnown);
  });
});
