// @ts-check
/**
 * `check.mjs start|test`, before anything is built or started: says everything that is missing, in one message. Plain
 * JavaScript, for the reason in missing.mjs.
 */
import { missing, missingMessage } from "./missing.mjs";
import { NEEDED_BY } from "./requirements.mjs";

const what = process.argv[2] === "test" ? "test" : "start";
const lines = missing(NEEDED_BY[what]);
if (lines.length > 0) {
  console.error(missingMessage(`npm ${what}`, lines));
  process.exit(1);
}
