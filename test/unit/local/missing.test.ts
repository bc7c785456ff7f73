import { describe, expect, it } from "vitest";
import {
  chooseSource,
  type Facts,
  howToGet,
  type Machine,
  missing,
  missingMessage,
} from "../../../local/missing.mjs";
import { JAVA, NEEDED_BY, OPENSSL, PROMETHEUS, REDIS } from "../../../local/requirements.mjs";

const NOTHING: Facts = { address: undefined, onPath: false, docker: false, aptAsRoot: false };
const EVERYTHING: Facts = { address: "redis://db:6379", onPath: true, docker: true, aptAsRoot: true };

describe("where a requirement is taken from", () => {
  it("prefers an address, then PATH, then Docker, then apt-get", () => {
    expect(chooseSource(REDIS, EVERYTHING)).toEqual({ kind: "address", address: "redis://db:6379" });
    expect(chooseSource(REDIS, { ...EVERYTHING, address: undefined })).toEqual({ kind: "path" });
    expect(chooseSource(REDIS, { ...NOTHING, docker: true, aptAsRoot: true })).toEqual({
      kind: "docker",
      image: REDIS.image,
    });
    expect(chooseSource(REDIS, { ...NOTHING, aptAsRoot: true })).toEqual({
      kind: "apt",
      package: "redis-server",
    });
    expect(chooseSource(REDIS, NOTHING)).toBeUndefined();
  });

  it("takes an empty address for none", () => {
    expect(chooseSource(REDIS, { ...NOTHING, address: "", onPath: true })).toEqual({ kind: "path" });
  });

  it("does not take from Docker what has to be on PATH", () => {
    const facts = { ...NOTHING, docker: true, aptAsRoot: true };
    expect(chooseSource(PROMETHEUS, facts)).toEqual({ kind: "apt", package: "prometheus" });
    expect(chooseSource(PROMETHEUS, { ...NOTHING, docker: true })).toBeUndefined();
  });
});

describe("how to get what is nowhere", () => {
  it.each([REDIS, JAVA])("$command: one line that says what to type", (requirement) => {
    const line = howToGet(requirement);
    expect(line).toContain(`apt-get install -y ${requirement.debianPackage}`);
    expect(line).toContain(`brew install ${requirement.brewFormula}`);
    expect(line).toContain(`start Docker, or set ${requirement.variable ?? ""} to`);
    expect(line).not.toContain("\n");
  });

  it("does not speak of Docker, nor of an address, for what has to be on PATH", () => {
    expect(howToGet(PROMETHEUS)).toMatch(/: type "sudo apt-get install -y prometheus" .* \(macOS\)\.$/);
  });
});

/** A machine that has everything. */
const machine = (changes: Partial<Machine> = {}): Machine => ({
  node: "24.21.0",
  platform: "linux-x64",
  givenNode: undefined,
  installed: true,
  versionOf: (path) => (path === "/opt/node20" ? "v20.20.2" : path === "/opt/node24" ? "v24.1.0" : ""),
  factsOf: () => ({ ...NOTHING, onPath: true }),
  ...changes,
});

describe("what is missing", () => {
  it("is nothing on a machine that has everything", () => {
    expect(missing(NEEDED_BY.start, machine())).toEqual([]);
    expect(missing(NEEDED_BY.test, machine())).toEqual([]);
  });

  it("is said in one message, all of it", () => {
    const bare = machine({
      node: "16.20.2",
      platform: "win32-x64",
      givenNode: "/opt/none",
      installed: false,
      factsOf: () => NOTHING,
    });
    const lines = missing(NEEDED_BY.test, bare);
    const wanted = ["20.19", "npm ci", "SOKETI_NODE", "Redis", "Java", "OpenSSL"];
    expect(lines).toEqual(wanted.map((text) => expect.stringContaining(text) as unknown));
    expect(missingMessage("npm test", lines)).toBe(
      `npm test needs more than this machine has:\n- ${lines.join("\n- ")}`,
    );
  });

  it.each([
    ["16.20.2", false],
    ["20.18.3", false],
    ["20.19.0", true],
    ["22.0.0", true],
    ["24.21.0", true],
    ["26.0.0", true],
  ])("Node %s will do: %s", (node, enough) => {
    const lines = missing([], machine({ node }));
    expect(lines).toEqual(enough ? [] : [expect.stringContaining(`20.19 or later, found ${node}`)]);
  });

  it.each([
    ["one that soketi runs on", { givenNode: "/opt/node20" }, ""],
    ["one that it does not run on", { givenNode: "/opt/node24" }, "found /opt/node24, which is v24.1.0"],
    ["what is no Node", { givenNode: "/opt/none" }, "found /opt/none, which does not run"],
    ["nothing, where npm has a Node 20", { givenNode: "", platform: "darwin-arm64" }, ""],
    ["nothing, where npm has none", { platform: "win32-x64" }, "set SOKETI_NODE to the path of one"],
    ["nothing, where this Node will do", { platform: "win32-x64", node: "20.20.2" }, ""],
  ])("SOKETI_NODE names %s", (_, changes, found) => {
    const lines = missing([], machine(changes));
    expect(lines).toEqual(found === "" ? [] : [expect.stringContaining(found)]);
  });

  it("takes for the tests no Redis but one on PATH", () => {
    const elsewhere = machine({ factsOf: () => ({ ...NOTHING, docker: true }) });
    expect(missing(NEEDED_BY.start, elsewhere)).toEqual([]);
    expect(missing(NEEDED_BY.test, elsewhere)).toEqual([
      expect.stringContaining("Redis"),
      expect.stringContaining("Java"),
      expect.stringContaining(OPENSSL.what),
    ]);
    expect(NEEDED_BY.test.map(({ variable }) => variable)).toEqual([undefined, undefined, undefined]);
  });
});
