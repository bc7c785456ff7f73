/** Before each test file: what the build puts into the bundles. */
import { readFileSync } from "node:fs";

const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
Object.assign(globalThis, { __VERSION__: (JSON.parse(manifest) as { version: string }).version });
