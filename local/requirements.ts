import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** A program that the local stack needs, and where else it can come from. */
interface Requirement {
  readonly what: string;
  readonly command: string;
  /** Prints something that tells whether the program on PATH is usable. */
  readonly check: { readonly args: readonly string[]; readonly accepts: (output: string) => boolean };
  /** Set to an address, the program is not needed at all. Without it, one that runs elsewhere is of no use. */
  readonly variable?: string;
  /** Without it, one in a container is of no use. */
  readonly image?: string;
  readonly debianPackage: string;
  readonly brewFormula: string;
}

export const REDIS: Requirement = {
  what: "Redis",
  command: "redis-server",
  check: { args: ["--version"], accepts: (output) => /v=([6-9]|\d\d)\./.test(output) },
  variable: "REDIS_URL",
  image: "redis:7-alpine",
  debianPackage: "redis-server",
  brewFormula: "redis",
};

export const JAVA: Requirement = {
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

/** For the tests of docs/monitoring, which start a server with a configuration of their own and run promtool on files. */
export const PROMETHEUS: Requirement = {
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

/** For the tests of the console's page. */
export const CHROMIUM: Requirement = {
  what: "Chromium",
  command: "chromium",
  check: { args: ["--version"], accepts: (output) => /Chromium \d+/.test(output) },
  debianPackage: "chromium",
  brewFormula: "chromium",
};

/** What was found on this machine. */
export interface Facts {
  /** The value of the requirement's variable. */
  readonly address: string | undefined;
  readonly onPath: boolean;
  readonly docker: boolean;
  /** Debian or Ubuntu, and allowed to install. */
  readonly aptAsRoot: boolean;
}

export type Source =
  | { readonly kind: "address"; readonly address: string }
  | { readonly kind: "path" }
  | { readonly kind: "docker"; readonly image: string }
  | { readonly kind: "apt"; readonly package: string };

/**
 * Where a requirement is taken from, the least surprising first.
 *
 * @throws Error with one line that says what to type.
 */
export function chooseSource(requirement: Requirement, facts: Facts): Source {
  if (facts.address !== undefined && facts.address !== "") return { kind: "address", address: facts.address };
  if (facts.onPath) return { kind: "path" };
  if (facts.docker && requirement.image !== undefined) return { kind: "docker", image: requirement.image };
  if (facts.aptAsRoot) return { kind: "apt", package: requirement.debianPackage };
  const docker = requirement.image === undefined ? "" : ", start Docker";
  const address =
    requirement.variable === undefined ? "" : `, or set ${requirement.variable} to one that runs`;
  throw new Error(
    `${requirement.what} is missing: type "sudo apt-get install -y ${requirement.debianPackage}" (Debian, Ubuntu) or ` +
      `"brew install ${requirement.brewFormula}" (macOS)${docker}${address}.`,
  );
}

/** Finds a requirement on this machine, installing it where that is allowed. Says so when it installs. */
export function provide(
  requirement: Requirement,
  say: (line: string) => void,
): Exclude<Source, { kind: "apt" }> {
  const source = chooseSource(requirement, {
    address: process.env[requirement.variable ?? ""],
    onPath: isUsable(requirement),
    docker: run("docker", ["info", "--format", "{{.ServerVersion}}"], {}, 5_000).ok,
    aptAsRoot: process.getuid?.() === 0 && existsSync("/usr/bin/apt-get"),
  });
  if (source.kind !== "apt") return source;
  say(`Installing ${source.package} with apt-get, because ${requirement.command} is not on PATH ...`);
  install(source.package);
  if (!isUsable(requirement)) {
    throw new Error(`expected ${requirement.command} on PATH after installing ${source.package}, found none`);
  }
  return { kind: "path" };
}

function isUsable({ command, check }: Requirement): boolean {
  const { ok, output } = run(command, check.args);
  return ok && check.accepts(output);
}

function install(name: string): void {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", name],
  ]) {
    const { ok, output } = run("apt-get", args, env);
    if (!ok) throw new Error(`apt-get ${args.join(" ")} failed: ${output.trim().split("\n").at(-1) ?? ""}`);
  }
  // Debian starts a service that it installs, and this one was not asked for. Packages without one say so: no matter.
  run("service", [name, "stop"]);
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}, timeout = 0) {
  const result = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, ...env }, timeout });
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
}
