// @ts-check
/**
 * What a machine lacks. Plain JavaScript that imports nothing of node_modules: it has to run on a Node that is too old for
 * everything else, and before `npm ci`.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** @typedef {import("./requirements.mjs").Requirement} Requirement */

/**
 * What was found on this machine.
 *
 * @typedef {object} Facts
 * @property {string | undefined} address The value of the requirement's variable.
 * @property {boolean} onPath
 * @property {boolean} docker
 * @property {boolean} aptAsRoot Debian or Ubuntu, and allowed to install.
 */

/** @typedef {{ readonly kind: "address", readonly address: string }} AtAddress */
/** @typedef {{ readonly kind: "path" }} OnPath */
/** @typedef {{ readonly kind: "docker", readonly image: string }} FromDocker */
/** @typedef {{ readonly kind: "apt", readonly package: string }} FromApt */
/** @typedef {AtAddress | OnPath | FromDocker | FromApt} Source */

/** The platforms whose Node the local stack can fetch for soketi: local/node-binary.ts. */
export const PLATFORMS = /** @type {const} */ (["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"]);

/**
 * soketi's build of uWebSockets.js on npm has binaries for these alone.
 *
 * @param {string} version without a "v".
 */
export const runsSoketi = (version) => /^(16|18|20)\./.test(version);

/**
 * Where a requirement is taken from, the least surprising first; undefined when it is nowhere.
 *
 * @param {Requirement} requirement
 * @param {Facts} facts
 * @returns {Source | undefined}
 */
export function chooseSource(requirement, facts) {
  if (facts.address !== undefined && facts.address !== "") return { kind: "address", address: facts.address };
  if (facts.onPath) return { kind: "path" };
  if (facts.docker && requirement.image !== undefined) return { kind: "docker", image: requirement.image };
  if (facts.aptAsRoot) return { kind: "apt", package: requirement.debianPackage };
  return undefined;
}

/**
 * One line that says what to type.
 *
 * @param {Requirement} requirement
 */
export function howToGet({ what, debianPackage, brewFormula, image, variable }) {
  const docker = image === undefined ? "" : ", start Docker";
  const address = variable === undefined ? "" : `, or set ${variable} to one that runs`;
  return (
    `${what} is missing: type "sudo apt-get install -y ${debianPackage}" (Debian, Ubuntu) or ` +
    `"brew install ${brewFormula}" (macOS)${docker}${address}.`
  );
}

/**
 * What is looked at on a machine; this one's is `thisMachine`.
 *
 * @typedef {object} Machine
 * @property {string} node Its version, without a "v".
 * @property {string} platform As in `linux-x64`.
 * @property {string | undefined} givenNode The path in SOKETI_NODE.
 * @property {boolean} installed Whether there is a node_modules folder.
 * @property {(path: string) => string} versionOf What `<path> --version` prints; empty when it does not run.
 * @property {(requirement: Requirement) => Facts} factsOf
 */

/** @type {Machine} */
export const thisMachine = {
  node: process.versions.node,
  platform: `${process.platform}-${process.arch}`,
  givenNode: process.env.SOKETI_NODE,
  installed: existsSync(fileURLToPath(new URL("../node_modules", import.meta.url))),
  versionOf(path) {
    const { ok, output } = run(path, ["--version"]);
    return ok ? output.trim() : "";
  },
  factsOf(requirement) {
    const address = process.env[requirement.variable ?? ""];
    const onPath = isUsable(requirement);
    // Asking a Docker that is not needed costs a second where its daemon sleeps.
    const docker = !onPath && !address && requirement.image !== undefined && dockerRuns();
    return { address, onPath, docker, aptAsRoot: process.getuid?.() === 0 && existsSync("/usr/bin/apt-get") };
  },
};

/**
 * Everything that is missing, one line each, which says what to do.
 *
 * @param {readonly Requirement[]} requirements
 * @returns {string[]}
 */
export function missing(requirements, machine = thisMachine) {
  const lines = [nodeProblem(machine), installProblem(machine), soketiNodeProblem(machine)];
  for (const requirement of requirements) {
    if (!chooseSource(requirement, machine.factsOf(requirement))) lines.push(howToGet(requirement));
  }
  return lines.flatMap((line) => line ?? []);
}

/**
 * The lines of `missing` as one message.
 *
 * @param {string} what What cannot be done.
 * @param {readonly string[]} lines
 */
export const missingMessage = (what, lines) =>
  `${what} needs more than this machine has:\n${lines.map((line) => `- ${line}`).join("\n")}`;

/** @param {Machine} machine */
function nodeProblem({ node }) {
  const [major = 0, minor = 0] = node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return undefined;
  return `Node: expected 20.19 or later, found ${node}. Install Node 24 from https://nodejs.org, or by your version manager.`;
}

/** @param {Machine} machine */
function installProblem({ installed }) {
  return installed ? undefined : 'The packages are not installed: type "npm ci".';
}

/** @param {Machine} machine */
function soketiNodeProblem({ node, platform, givenNode, versionOf }) {
  if (givenNode) {
    const version = versionOf(givenNode);
    if (runsSoketi(version.replace(/^v/, ""))) return undefined;
    const found = version === "" ? "which does not run" : `which is ${version}`;
    return `SOKETI_NODE: expected the path of a Node 16, 18 or 20, found ${givenNode}, ${found}.`;
  }
  if (runsSoketi(node) || PLATFORMS.some((one) => one === platform)) return undefined;
  return `soketi 1.6.1 from npm runs on Node 16, 18 and 20, and npm has none for ${platform}: set SOKETI_NODE to the path of one.`;
}

/** @param {Requirement} requirement */
export function isUsable({ command, check }) {
  const { ok, output } = run(command, check.args);
  return ok && check.accepts(output);
}

function dockerRuns() {
  return run("docker", ["version", "--format", "{{.Server.Version}}"], {}, 1_500).ok;
}

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} env
 * @param {number} timeout Milliseconds; 0 is none.
 */
export function run(command, args, env = {}, timeout = 0) {
  const result = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, ...env }, timeout });
  // What could not be started has printed nothing.
  if (result.error) return { ok: false, output: result.error.message };
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
}
