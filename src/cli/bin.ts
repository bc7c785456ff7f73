import { createRequire } from "node:module";

/** What the bin `soketi-app-sync` starts: the bundle of cli.ts beside it, of which esbuild.config.mjs says why it is CommonJS. */
createRequire(import.meta.url)("./cli.cjs");
