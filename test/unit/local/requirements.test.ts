import { describe, expect, it } from "vitest";
import { chooseSource, type Facts, JAVA, PROMETHEUS, REDIS } from "../../../local/requirements.ts";
import { soketiNodeBinary } from "../../../local/soketi-node.ts";

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
  });

  it("takes an empty address for none", () => {
    expect(chooseSource(REDIS, { ...NOTHING, address: "", onPath: true })).toEqual({ kind: "path" });
  });

  it.each([REDIS, JAVA])("says in one line what to type when $command is nowhere", (requirement) => {
    const message = thrownBy(() => chooseSource(requirement, NOTHING));
    expect(message).toContain(`apt-get install -y ${requirement.debianPackage}`);
    expect(message).toContain(`brew install ${requirement.brewFormula}`);
    expect(message).toContain(`start Docker, or set ${requirement.variable ?? ""} to`);
    expect(message).not.toContain("\n");
  });

  it("does not take from Docker, nor ask for an address, what has to be on PATH", () => {
    expect(chooseSource(PROMETHEUS, { ...NOTHING, docker: true, aptAsRoot: true })).toEqual({
      kind: "apt",
      package: "prometheus",
    });
    const message = thrownBy(() => chooseSource(PROMETHEUS, { ...NOTHING, docker: true }));
    expect(message).toMatch(/: type "sudo apt-get install -y prometheus" .* \(macOS\)\.$/);
  });
});

describe("what a program's version line is worth", () => {
  it.each([
    ['openjdk version "17.0.19" 2026-04-21', true],
    ['openjdk version "21.0.2" 2024-01-16', true],
    ['openjdk version "25" 2025-09-16', true],
    ['openjdk version "11.0.22" 2024-01-16', false],
    ['java version "1.8.0_402"', false],
    ["No Java runtime present, requesting install.", false],
  ])("%s: %s", (output, usable) => {
    expect(JAVA.check.accepts(output)).toBe(usable);
  });

  it.each([
    ["Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", true],
    ["Redis server v=10.2.0 sha=00000000:0", true],
    ["Redis server v=5.0.14 sha=00000000:0", false],
  ])("%s: %s", (output, usable) => {
    expect(REDIS.check.accepts(output)).toBe(usable);
  });
});

describe("what promtool's version line is worth", () => {
  it.each([
    ["promtool, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5+deb12u1)", true],
    ["promtool, version 3.5.0 (branch: HEAD, revision: 8be3a9560fbdd18a94dedec4b747c35178177202)", true],
    ["promtool, version 2.30.3 (branch: HEAD)", false],
    ["", false],
  ])("%s: %s", (output, usable) => {
    expect(PROMETHEUS.check.accepts(output)).toBe(usable);
  });
});

describe("the Node that runs soketi", () => {
  it.each(["16.20.2", "18.20.8", "20.20.2"])("is this one when it is %s", (version) => {
    expect(soketiNodeBinary(version, undefined)).toBe(process.execPath);
  });

  it("is the given one, whatever this is", () => {
    expect(soketiNodeBinary("24.1.0", "/opt/node20/bin/node")).toBe("/opt/node20/bin/node");
  });

  it("otherwise is asked for in one line", () => {
    const message = thrownBy(() => soketiNodeBinary("24.1.0", ""));
    expect(message).toContain("found 24.1.0");
    expect(message).toContain("SOKETI_NODE");
    expect(message).not.toContain("\n");
  });
});

function thrownBy(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("expected an error, found none");
}
