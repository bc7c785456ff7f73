import { describe, expect, it } from "vitest";
import { JAVA, OPENSSL, PROMETHEUS, REDIS } from "../../../local/requirements.mjs";

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

describe("what openssl's version line is worth", () => {
  it.each([
    ["OpenSSL 3.0.17 1 Jul 2025 (Library: OpenSSL 3.0.17 1 Jul 2025)", true],
    ["LibreSSL 3.3.6", true],
    ["sh: openssl: not found", false],
  ])("%s: %s", (output, usable) => {
    expect(OPENSSL.check.accepts(output)).toBe(usable);
  });
});
