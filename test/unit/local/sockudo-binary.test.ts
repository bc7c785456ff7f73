import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SOCKUDO_VERSION, sockudoBinary } from "../../../local/sockudo-binary.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sockudo-binary-"));
  vi.stubEnv("SOCKUDO_BINARY", undefined);
  vi.stubEnv("XDG_CACHE_HOME", folder);
  // Nothing else is on it.
  vi.stubEnv("PATH", join(folder, "path"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A program that prints a version. */
function put(place: string, version: string): string {
  const file = join(folder, place);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho "sockudo ${version}"\n`);
  chmodSync(file, 0o755);
  return file;
}

const cached = `soketi-app-sync/sockudo-${SOCKUDO_VERSION}/bin/sockudo`;

it("is the given one, then that on PATH, then that in the user's cache", () => {
  const inCache = put(cached, SOCKUDO_VERSION);
  expect(sockudoBinary()).toBe(inCache);
  put("path/sockudo", SOCKUDO_VERSION);
  expect(sockudoBinary()).toBe("sockudo");
  const given = put("given", SOCKUDO_VERSION);
  vi.stubEnv("SOCKUDO_BINARY", given);
  expect(sockudoBinary()).toBe(given);
});

it("another version on PATH is left alone; a given one is refused", () => {
  const inCache = put(cached, SOCKUDO_VERSION);
  const other = put("path/sockudo", "4.0.0");
  expect(sockudoBinary()).toBe(inCache);
  vi.stubEnv("SOCKUDO_BINARY", other);
  expect(() => sockudoBinary()).toThrow(
    `expected the path of a sockudo ${SOCKUDO_VERSION}, found 4.0.0 at ${other}`,
  );
  vi.stubEnv("SOCKUDO_BINARY", join(folder, "nowhere"));
  expect(() => sockudoBinary()).toThrow("found nothing that runs");
});

it("what is missing to build one is said, with what to type", () => {
  expect(() => sockudoBinary()).toThrow(
    /cargo and protoc is missing: type "sudo apt-get install -y cargo protobuf-compiler"/,
  );
  put("path/protoc", "");
  expect(() => sockudoBinary()).toThrow(/and cargo is missing/);
});

it("it is built into the cache by cargo, which is said; a build that fails says why", () => {
  put("path/protoc", "");
  const cargo = put("path/cargo", "");
  writeFileSync(cargo, '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "no space left" >&2\nexit 101\n');
  const said: string[] = [];
  expect(() => sockudoBinary((line) => said.push(line))).toThrow(
    /Could not build sockudo .*101\.\n {2}no space left/,
  );
  expect(said).toEqual([
    expect.stringMatching(/^Building sockudo .* with cargo, once, into .*sockudo-5\.2\.0: /),
  ]);
});
