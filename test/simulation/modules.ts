import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { compileFunction } from "node:vm";

/** A module's file, from the root of the repository → what it is, compiled to CommonJS. */
export type Sources = Readonly<Record<string, string>>;

interface Module {
  readonly exports: unknown;
}

type Run = (load: (specifier: string) => unknown, module: Module, exports: unknown) => void;

/** What the product takes from outside has a simulated one in its place, or is not used. */
const NOTHING = /^(ioredis|@aws-lambda-powertools\/.*|@aws-sdk\/.*)$/;

/**
 * Modules that are loaded once. A variant of some has those anew, with all that import them, and shares the rest: what the
 * engine has learnt of that is not lost.
 */
export class Modules {
  readonly #folder: string;
  readonly #requirePackage: (name: string) => unknown;
  readonly #loaded = new Map<string, Module>();
  /** Who imports a module. */
  readonly #importers = new Map<string, Set<string>>();

  constructor(folder: string, requirePackage: (name: string) => unknown) {
    this.#folder = folder;
    this.#requirePackage = requirePackage;
  }

  load(file: string): unknown {
    const source = () => readFileSync(join(this.#folder, file.replace(/\.ts$/, ".js")), "utf8");
    return this.#load(file, this.#loaded, source, (other) => this.load(other));
  }

  /** @returns `load` of the variant, which must not change modules that are not loaded yet. */
  variant(changed: Sources): (file: string) => unknown {
    const anew = this.#withImporters(Object.keys(changed));
    const loaded = new Map<string, Module>();
    const load = (file: string): unknown => {
      if (!anew.has(file)) return this.load(file);
      const source = () =>
        changed[file] ?? readFileSync(join(this.#folder, file.replace(/\.ts$/, ".js")), "utf8");
      return this.#load(file, loaded, source, load);
    };
    return load;
  }

  #load(
    file: string,
    loaded: Map<string, Module>,
    source: () => string,
    load: (file: string) => unknown,
  ): unknown {
    const known = loaded.get(file);
    if (known) return known.exports;
    const module: Module = { exports: {} };
    loaded.set(file, module);
    const run = compileFunction(source(), ["require", "module", "exports"], { filename: file }) as Run;
    const require = (specifier: string): unknown => {
      if (NOTHING.test(specifier)) return {};
      if (!specifier.startsWith(".")) return this.#requirePackage(specifier);
      const other = posix.join(posix.dirname(file), specifier);
      this.#importers.set(other, (this.#importers.get(other) ?? new Set()).add(file));
      return load(other);
    };
    run(require, module, module.exports);
    return module.exports;
  }

  #withImporters(files: readonly string[]): ReadonlySet<string> {
    const found = new Set(files);
    for (const file of found) for (const importer of this.#importers.get(file) ?? []) found.add(importer);
    return found;
  }
}
