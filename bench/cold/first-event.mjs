/** `first-event.mjs BUNDLE EVENT`: as Lambda starts a container: imports the bundle, and gives its handler one event. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [bundle = "", eventFile = ""] = process.argv.slice(2);
const { handler } = await import(pathToFileURL(bundle).href);
await handler(JSON.parse(readFileSync(eventFile, "utf8")), { getRemainingTimeInMillis: () => 30_000 });
// From the start of the process.
process.stdout.write(`\nfirst event after ${performance.now()} ms\n`);
process.exit(0);
