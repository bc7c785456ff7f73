import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.ts";

/** Half the time of its release build: it is asked a few hundred times, and is not measured against anything that computes. */
const QUICK_BUILD = {
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
  CARGO_PROFILE_RELEASE_LTO: "off",
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "1",
};

type Say = (line: string) => void;

/** What the tests know. */
export const SOCKUDO_VERSION = "5.2.0";

/** Redis for its cache, DynamoDB for the comparison with its own table. */
const FEATURES = "local,redis,dynamodb";

/**
 * The path of a sockudo: in `SOCKUDO_BINARY`, on PATH where that is the version that the tests know, in the user's cache, or built
 * into it by cargo, which is said.
 *
 * @throws Error saying what to do, when there is none and it cannot be built.
 */
export function sockudoBinary(say: Say = console.log): string {
  const given = process.env.SOCKUDO_BINARY;
  if (given !== undefined && given !== "") return checked(given);
  if (versionOf("sockudo") === SOCKUDO_VERSION) return "sockudo";
  const folder = join(cacheFolder(), `sockudo-${SOCKUDO_VERSION}`);
  const binary = join(folder, "bin", "sockudo");
  if (!existsSync(binary)) build(folder, say);
  return checked(binary);
}

function checked(binary: string): string {
  const version = versionOf(binary);
  if (version === SOCKUDO_VERSION) return binary;
  throw new Error(
    `SOCKUDO_BINARY: expected the path of a sockudo ${SOCKUDO_VERSION}, found ${version ?? "nothing that runs"} at ${binary}. ` +
      "Set it to another, or remove it: it is built then.",
  );
}

/** Undefined when it does not run. */
function versionOf(binary: string): string | undefined {
  const { stdout } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  return /^sockudo (\S+)/.exec(stdout)?.[1];
}

/** cargo puts the binary in its place only when it is whole, and two builds wait for each other. */
function build(folder: string, say: Say): void {
  const missing = ["cargo", "protoc"].filter((tool) => spawnSync(tool, ["--version"]).status !== 0);
  if (missing.length > 0) {
    throw new Error(
      `sockudo ${SOCKUDO_VERSION} has to be built once and ${missing.join(" and ")} is missing: type "sudo apt-get install -y cargo ` +
        `protobuf-compiler" (Debian, Ubuntu; cargo 1.95 or later, see rustup.rs) or "brew install rust protobuf" (macOS), or set ` +
        "SOCKUDO_BINARY to the path of one.",
    );
  }
  say(
    `Building sockudo ${SOCKUDO_VERSION} with cargo, once, into ${folder}: 10 to 25 minutes on two processors ...`,
  );
  mkdirSync(folder, { recursive: true });
  const { status, stderr } = spawnSync(
    "cargo",
    [
      "install",
      "sockudo",
      "--version",
      SOCKUDO_VERSION,
      "--locked",
      "--no-default-features",
      "--features",
      FEATURES,
      "--root",
      folder,
    ],
    { encoding: "utf8", maxBuffer: 2 ** 26, env: { ...process.env, ...QUICK_BUILD } },
  );
  if (status === 0) return;
  const last = stderr.trim().split("\n").slice(-20).join("\n  ");
  throw new Error(
    `Could not build sockudo ${SOCKUDO_VERSION}: cargo ended with ${status ?? "a signal"}.\n  ${last}`,
  );
}
