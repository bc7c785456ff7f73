import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The SHA-256 of every file in a folder, sorted by path, as `sha256sum --check` reads it. */
export function checksums(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1).replaceAll("\\", "/")); // prettier-ignore
  const sum = (file: string) => createHash("sha256").update(readFileSync(join(folder, file))).digest("hex"); // prettier-ignore
  return files
    .filter((file) => file !== "SHA256SUMS")
    .sort()
    .map((file) => `${sum(file)}  ${file}\n`)
    .join("");
}
