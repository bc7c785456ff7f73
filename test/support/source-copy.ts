import { cpSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./fleet.ts";

/** What is made, installed or written by a user, and what a test may write or remove at any moment. */
const NOT_SOURCES =
  /^(node_modules|dist|release|reports|coverage|\.git|\.local|\.serverless|serverless\.params\.[^/]*)($|\/)/;

/** Copies what is in the repository, so that it can be built while other tests run what was built here. */
export function copySources(folder: string): void {
  cpSync(root, folder, { recursive: true, filter: (from) => !NOT_SOURCES.test(relative(root, from)) });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}
