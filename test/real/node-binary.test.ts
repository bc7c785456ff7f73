import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fetchNode, nodeBinary, soketiNode } from "../../local/node-binary.ts";
import { PLATFORMS } from "../../local/missing.mjs";
import { NODE_PACKAGES } from "../../local/node-packages.ts";
import { root } from "../support/fleet.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-node-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const versionOf = (node: string) => execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
const platform = PLATFORMS.find((one) => one === `${process.platform}-${process.arch}`);
const fetchable = platform && NODE_PACKAGES["20"]?.[platform];

describe("a Node from npm", () => {
  it.skipIf(fetchable === undefined)(
    "is fetched once into the user's cache, by starts at the same time too",
    async () => {
      const script = `
        import { fetchNode } from "./local/node-binary.ts";
        console.log(fetchNode(${JSON.stringify(fetchable)}, console.error));`;
      const fetched = async () => {
        const args = ["--import", "tsx", "--input-type=module", "--eval", script];
        const child = spawn(process.execPath, args, {
          cwd: root,
          env: { ...process.env, XDG_CACHE_HOME: folder },
        });
        let [stdout, stderr] = ["", ""];
        child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
        child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
        await new Promise((resolve) => child.once("close", resolve));
        return { path: stdout.trim(), said: stderr.trim() };
      };
      const [one, other] = await Promise.all([fetched(), fetched()]);
      expect(one.path, one.said).toContain(folder);
      expect(other.path, other.said).toBe(one.path);
      expect(versionOf(one.path)).toBe(`v${fetchable?.version ?? ""}`);
      const name = `${fetchable?.name ?? ""}-${fetchable?.version ?? ""}`;
      expect(readdirSync(join(folder, "soketi-app-sync"))).toEqual([name]);
      expect([one.said, other.said]).toContain(
        `Fetching Node ${fetchable?.version ?? ""} from npm, once, into ${join(folder, "soketi-app-sync", name)} ...`,
      );
      // Now it is there: nothing is said.
      expect(await fetched()).toEqual({ path: one.path, said: "" });
    },
    120_000,
  );

  it.skipIf(fetchable === undefined)(
    "is refused when it is not the one that was pinned, and nothing of it stays",
    () => {
      if (!fetchable) throw new Error("expected a package, found none");
      vi.stubEnv("XDG_CACHE_HOME", folder);
      const other = { ...fetchable, integrity: `sha512-${"A".repeat(86)}==` };
      expect(() => fetchNode(other, () => undefined)).toThrow(/Could not get Node .* from npm .*EINTEGRITY/s);
      expect(readdirSync(join(folder, "soketi-app-sync"))).toEqual([]);
    },
  );

  it("is not asked for where the user names one", () => {
    vi.stubEnv("SOKETI_NODE", "/opt/node20/bin/node");
    vi.stubEnv("SOKETI_TEST_NODE_16", "/opt/node16/bin/node");
    expect(soketiNode()).toBe("/opt/node20/bin/node");
    expect(nodeBinary("16")).toBe("/opt/node16/bin/node");
  });
});

describe("the Node that runs soketi", () => {
  it("is one that soketi's uWebSockets.js has a binary for, whichever this is", () => {
    expect(versionOf(soketiNode())).toMatch(/^v(16|18|20)\./);
  });
});

describe("check.mjs", () => {
  /** As right after a clone. */
  function cloned(): string {
    mkdirSync(join(folder, "local"));
    for (const file of ["check.mjs", "missing.mjs", "requirements.mjs"])
      cpSync(join(root, "local", file), join(folder, "local", file));
    return join(folder, "local", "check.mjs");
  }

  it("comes before anything is built or started", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    expect(scripts.start).toMatch(/^node local\/check\.mjs start && /);
    expect(scripts.test).toMatch(/^node local\/check\.mjs test && /);
  });

  it.each(["start", "test"])("npm %s goes on where everything is there", (what) => {
    expect(spawnSync(process.execPath, ["local/check.mjs", what], { cwd: root }).status).toBe(0);
  });

  it("runs on a Node that is too old for the rest, and before npm ci, and says both", (context) => {
    const node = nodeBinary("16");
    if (node === undefined) {
      context.skip();
      return;
    }
    const { status, stderr } = spawnSync(node, [cloned(), "start"], { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^npm start needs more than this machine has:\n- Node: expected 20\.19 .* found 16\..*\n- .*npm ci/,
    );
  });
});
