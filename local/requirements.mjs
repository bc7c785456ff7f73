// @ts-check
/** What the local stack and the tests need of a machine. Plain JavaScript, for the reason in missing.mjs. */

/**
 * A program, and where else it can come from.
 *
 * @typedef {object} Requirement
 * @property {string} what
 * @property {string} command
 * @property {{ readonly args: readonly string[], readonly accepts: (output: string) => boolean }} check
 *   Prints something that tells whether the program on PATH is usable.
 * @property {string | undefined} [variable]
 *   Set to an address, the program is not needed at all. Without it, one that runs elsewhere is of no use.
 * @property {string | undefined} [image] Without it, one in a container is of no use.
 * @property {string} debianPackage
 * @property {string} brewFormula
 */

/** @type {Requirement} */
export const REDIS = {
  what: "Redis 6 or newer",
  command: "redis-server",
  check: { args: ["--version"], accepts: (output) => /v=([6-9]|\d\d)\./.test(output) },
  variable: "REDIS_URL",
  image: "redis:7-alpine",
  debianPackage: "redis-server",
  brewFormula: "redis",
};

/** @type {Requirement} */
export const JAVA = {
  what: "Java 17 or newer (for DynamoDB Local)",
  command: "java",
  check: {
    args: ["-version"],
    accepts: (output) => Number(/version "(\d+)/.exec(output)?.[1] ?? 0) >= 17,
  },
  variable: "DYNAMODB_ENDPOINT",
  image: "amazon/dynamodb-local:latest",
  debianPackage: "default-jre-headless",
  brewFormula: "openjdk",
};

/**
 * For the tests of TLS, which make certificates.
 *
 * @type {Requirement}
 */
export const OPENSSL = {
  what: "OpenSSL",
  command: "openssl",
  check: { args: ["version"], accepts: (output) => /^(Open|Libre)SSL \d/.test(output) },
  debianPackage: "openssl",
  brewFormula: "openssl",
};

/**
 * For the tests of docs/monitoring, which start a server with a configuration of their own and run promtool on files.
 *
 * @type {Requirement}
 */
export const PROMETHEUS = {
  what: "Prometheus 2.31 or newer, with promtool",
  command: "promtool",
  check: {
    args: ["--version"],
    accepts: (output) => {
      const [, major = 0, minor = 0] = /version (\d+)\.(\d+)/.exec(output) ?? [];
      return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 31);
    },
  },
  debianPackage: "prometheus",
  brewFormula: "prometheus",
};

/**
 * For the tests of the console's page.
 *
 * @type {Requirement}
 */
export const CHROMIUM = {
  what: "Chromium",
  command: "chromium",
  check: { args: ["--version"], accepts: (output) => /Chromium \d+/.test(output) },
  debianPackage: "chromium",
  brewFormula: "chromium",
};

/**
 * For the tests of soketi's nats adapter.
 *
 * @type {Requirement}
 */
export const NATS = {
  what: "NATS 2",
  command: "nats-server",
  check: { args: ["--version"], accepts: (output) => /v2\.\d/.test(output) },
  debianPackage: "nats-server",
  brewFormula: "nats-server",
};

/**
 * The tests hurt what they start: never what a user's variable names, nor what runs in a container.
 *
 * @param {Requirement} requirement
 * @returns {Requirement}
 */
const ofTheirOwn = (requirement) => ({ ...requirement, variable: undefined, image: undefined });

/** What nothing runs without. */
export const NEEDED_BY = { start: [REDIS, JAVA], test: [...[REDIS, JAVA].map(ofTheirOwn), OPENSSL] };

/** Without these only the tests that use them fail. */
export const WANTED_BY_TESTS = [CHROMIUM, PROMETHEUS, NATS];
