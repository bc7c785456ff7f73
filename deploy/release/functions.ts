import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
// Its own deflate: that of Node differs between versions and processors, and so would the zips.
import { zipSync } from "fflate";

export interface ZippedFunction {
  /** As in serverless.yml: `stream`. */
  readonly name: string;
  /** Its file in the release, with the first twelve digits of its SHA-256: other code has another name in S3. */
  readonly file: string;
  readonly zip: Uint8Array;
}

/** A zip counts in years from 1980, without a time zone: in local time this is the same two numbers everywhere. */
const OLDEST = new Date(1980, 0, 1);
/** For everybody to read: Lambda runs the code as another user than the one that made the zip. */
const READABLE = 0o100644;
const UNIX = 3;

/**
 * Each function as Lambda takes it, the same to the byte whoever makes it, when and where. The path in it is that of
 * serverless.yml's handlers, so that all ways to deploy have the same ones.
 *
 * @throws Error of the file system when nothing has been built
 */
export function zippedFunctions(root: string): ZippedFunction[] {
  const folder = join(root, "dist/handlers");
  const bundles = readdirSync(folder).filter((file) => file.endsWith(".mjs")).sort(); // prettier-ignore
  return bundles.map((bundle) => {
    const content = new Uint8Array(readFileSync(join(folder, bundle)));
    const zip = zipSync(
      { [`dist/handlers/${bundle}`]: content },
      { level: 9, mtime: OLDEST, os: UNIX, attrs: READABLE << 16 },
    );
    const name = bundle.replace(/\.mjs$/, "");
    const digest = createHash("sha256").update(zip).digest("hex");
    return { name, file: `${name}-${digest.slice(0, 12)}.zip`, zip };
  });
}
