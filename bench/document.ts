import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Puts what a command has measured into a document, between `<!-- name begin -->` and `<!-- name end -->`.
 *
 * @param file from the root of the repository.
 * @throws Error when the document has no such place.
 */
export function writeInto(file: string, name: string, text: string): void {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const [begin, end] = [`<!-- ${name} begin -->`, `<!-- ${name} end -->`];
  const [before = "", rest = ""] = readFileSync(path, "utf8").split(begin);
  const after = rest.split(end)[1];
  if (after === undefined) throw new Error(`expected ${begin} and ${end} in ${file}, found them not`);
  writeFileSync(path, `${before}${begin}\n\n${text}\n\n${end}${after}`);
}
