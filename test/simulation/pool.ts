import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import type { Mutant } from "./mutants.ts";
import type { Verdict } from "./simulate-story.ts";

/** On the model of Redis, which is fast, or on servers. */
export type StoryKind = "model" | "servers";

export type SeedVerdict = Verdict & { readonly seed: number };

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Seeds that one process runs in one go. */
const CHUNK = 25;

/** The simulation as one file, of the product as it is or of a mutant. */
async function bundle(outfile: string, mutant?: Mutant): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: ["test/simulation/worker.ts"],
    bundle: true,
    platform: "node",
    format: "esm",
    // Fengari requires what it needs of Node.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    outfile,
    logLevel: "warning",
    plugins: [WITHOUT_SURROUNDINGS, ...(mutant ? [mutation(mutant)] : [])],
  });
}

/** What the real code takes from outside has a simulated one beside it, or is not used: it is left out. */
const WITHOUT_SURROUNDINGS: Plugin = {
  name: "without surroundings",
  setup(building) {
    const namespace = "nothing";
    building.onResolve({ filter: /^(ioredis|@aws-lambda-powertools\/.*|@aws-sdk\/.*)$/ }, ({ path }) => ({
      path,
      namespace,
    }));
    building.onLoad({ filter: /.*/, namespace }, () => ({ contents: "module.exports = {}", loader: "js" }));
  },
};

function mutation(mutant: Mutant): Plugin {
  return {
    name: "mutant",
    setup(building) {
      building.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const edit = [mutant, mutant.also].find((one) => one && path === join(root, one.file));
        return edit && { contents: mutate({ ...edit, name: mutant.name }), loader: "ts" };
      });
    },
  };
}

/** @throws Error when the safeguard does not stand where the mutant says. */
function mutate({ name, file, from, to }: Omit<Mutant, "seed" | "also">): string {
  const source = readFileSync(join(root, file), "utf8");
  const parts = source.split(from);
  if (parts.length !== 2)
    throw new Error(
      `mutant "${name}": expected its text once in ${file}, found it ${parts.length - 1} times`,
    );
  return parts.join(to);
}

/**
 * Runs seeds on all processors, each verdict as it comes. Stops early when `until` says so.
 *
 * @throws Error when a process ends in another way than by finishing.
 */
export async function runSeeds(
  options: {
    readonly first: number;
    readonly count: number;
    readonly mutant?: Mutant;
    /** Default: the mutant's, or the model. */
    readonly kind?: StoryKind;
  },
  onVerdict: (verdict: SeedVerdict) => void,
  until: () => boolean = () => false,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "simulation-"));
  try {
    const file = join(folder, "worker.mjs");
    await bundle(file, options.mutant);
    const { kind = options.mutant?.kind ?? "model" } = options;
    const end = options.first + options.count;
    let next = options.first;
    const work = async () => {
      while (next < end && !until()) {
        const first = next;
        next += CHUNK;
        await runChunk([file, kind], first, Math.min(CHUNK, end - first), onVerdict);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The story of one seed, as short as it gets, and what it violates. */
export async function tellSeed(seed: number, kind: StoryKind = "model"): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "simulation-"));
  try {
    const file = join(folder, "worker.mjs");
    await bundle(file);
    return execFileSync(process.execPath, [file, kind, String(seed)], {
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runChunk(
  worker: readonly string[],
  first: number,
  count: number,
  onVerdict: (verdict: SeedVerdict) => void,
) {
  const child = spawn(process.execPath, [...worker, String(first), String(count)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  let verdicts = 0;
  for await (const line of createInterface(child.stdout)) {
    onVerdict(JSON.parse(line) as SeedVerdict);
    verdicts += 1;
  }
  const code = await exit;
  if (code !== 0 || verdicts !== count)
    throw new Error(
      `expected ${count} verdicts from seed ${first} on, found ${verdicts} and exit code ${code ?? "none"}: ${Buffer.concat(errors).toString()}`,
    );
}
