import {
  chooseSource,
  howToGet,
  isUsable,
  missing,
  missingMessage,
  run,
  type Source,
  thisMachine,
} from "./missing.mjs";
import { nodeBinary, soketiNode } from "./node-binary.ts";
import { NODE_PACKAGES } from "./node-packages.ts";
import { NEEDED_BY, type Requirement, WANTED_BY_TESTS } from "./requirements.mjs";

/**
 * Finds a requirement on this machine, installing it where that is allowed. Says so when it installs.
 *
 * @throws Error with one line that says what to type.
 */
export function provide(
  requirement: Requirement,
  print: (line: string) => void,
): Exclude<Source, { kind: "apt" }> {
  const source = chooseSource(requirement, thisMachine.factsOf(requirement));
  if (source === undefined) throw new Error(howToGet(requirement));
  if (source.kind !== "apt") return source;
  print(`Installing ${source.package} with apt-get, because ${requirement.command} is not on PATH ...`);
  install(source.package);
  if (!isUsable(requirement)) {
    throw new Error(`expected ${requirement.command} on PATH after installing ${source.package}, found none`);
  }
  return { kind: "path" };
}

/**
 * All that the tests of real parts use, so that nothing is installed within a test's time limit. Without Chromium, Prometheus
 * and the other versions of Node only their own tests fail, which is printed.
 *
 * @throws Error that lists everything that is missing; or when soketi's own Node cannot be fetched.
 */
export function provideForTests(print: (line: string) => void): void {
  const lines = missing(NEEDED_BY.test);
  if (lines.length > 0) throw new Error(missingMessage("npm test", lines));
  for (const requirement of NEEDED_BY.test) provide(requirement, print);
  soketiNode(print);
  for (const get of [
    ...WANTED_BY_TESTS.map((requirement) => () => void provide(requirement, print)),
    ...Object.keys(NODE_PACKAGES).map((major) => () => void nodeBinary(major, print)),
  ]) {
    try {
      get();
    } catch (error) {
      print(error instanceof Error ? error.message : String(error));
    }
  }
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
