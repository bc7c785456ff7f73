import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Mutant } from "./mutants.ts";
import type { Verdict } from "./simulate-story.ts";

export type SeedVerdict = Verdict & { readonly seed: number };

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Seeds that one process runs in one go. */
const CHUNK = 50;

/** The simulation as one file, of the product as it is or of a mutant. */
async function bundle(outfile: string, mutant?: Mutant): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: ["test/simulation/worker.ts"],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    logLevel: "warning",
    plugins: mutant
      ? [
          {
            name: "mutant",
            setup(building) {
              building.onLoad({ filter: /\.ts$/ }, ({ path }) => {
                const edit = [mutant, mutant.also].find((one) => one && path === join(root, one.file));
                return edit && { contents: mutate({ ...edit, name: mutant.name }), loader: "ts" };
              });
            },
          },
        ]
      : [],
  });
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
  options: { readonly first: number; readonly count: number; readonly mutant?: Mutant },
  onVerdict: (verdict: SeedVerdict) => void,
  until: () => boolean = () => false,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "simulation-"));
  try {
    const file = join(folder, "worker.mjs");
    await bundle(file, options.mutant);
    const end = options.first + options.count;
    let next = options.first;
    const work = async () => {
      while (next < end && !until()) {
        const first = next;
        next += CHUNK;
        await runChunk(file, first, Math.min(CHUNK, end - first), onVerdict);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The story of one seed, as short as it gets, and what it violates. */
export async function tellSeed(seed: number, mutant?: Mutant): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "simulation-"));
  try {
    const file = join(folder, "worker.mjs");
    await bundle(file, mutant);
    return execFileSync(process.execPath, [file, String(seed)], { encoding: "utf8", maxBuffer: 2 ** 26 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runChunk(
  file: string,
  first: number,
  count: number,
  onVerdict: (verdict: SeedVerdict) => void,
) {
  const child = spawn(process.execPath, [file, String(first), String(count)], {
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
