import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin, transform } from "esbuild";
import type { Edit, Mutant } from "./mutants.ts";
import type { Sources } from "./modules.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));

const COMMON = { absWorkingDir: root, platform: "node", format: "cjs", logLevel: "warning" } as const;

/** What a worker takes out of the simulation. */
const ENTRIES = [
  "test/simulation/shrink.ts",
  "test/simulation/simulate-story.ts",
  "test/simulation/story.ts",
];

export interface Compiled {
  /** The script of a worker. */
  readonly worker: string;
  /** Where the modules that it loads are. */
  readonly modules: string;
}

/** The simulation, with all of the product that it runs: each module is a file, so that a mutant of one leaves the others. */
export async function compile(folder: string): Promise<Compiled> {
  const worker = join(folder, "worker.cjs");
  const modules = join(folder, "modules");
  await build({ ...COMMON, entryPoints: ["test/simulation/worker.ts"], bundle: true, outfile: worker });
  const { metafile } = await build({
    ...COMMON,
    entryPoints: ENTRIES,
    bundle: true,
    plugins: [WITHOUT_PACKAGES],
    metafile: true,
    write: false,
    outdir: modules,
  });
  await build({ ...COMMON, entryPoints: Object.keys(metafile.inputs), outdir: modules, outbase: root });
  return { worker, modules };
}

const WITHOUT_PACKAGES: Plugin = {
  name: "without packages",
  setup(building) {
    building.onResolve({ filter: /^[^.]/ }, ({ path, kind }) =>
      kind === "entry-point" ? undefined : { path, external: true },
    );
  },
};

/** The modules that a mutant changes, compiled. */
export async function compileMutant({ name, also, ...edit }: Mutant): Promise<Sources> {
  const edits = also ? [edit, also] : [edit];
  const sources: Record<string, string> = {};
  for (const { file } of edits) sources[file] ??= readFileSync(join(root, file), "utf8");
  for (const one of edits) sources[one.file] = applied(name, one, sources[one.file] ?? "");
  for (const [file, source] of Object.entries(sources))
    sources[file] = (await transform(source, { loader: "ts", format: "cjs" })).code;
  return sources;
}

/** @throws Error when the safeguard does not stand where the mutant says. */
function applied(name: string, { file, from, to }: Edit, source: string): string {
  const parts = source.split(from);
  if (parts.length !== 2)
    throw new Error(
      `mutant "${name}": expected its text once in ${file}, found it ${parts.length - 1} times`,
    );
  return parts.join(to);
}
