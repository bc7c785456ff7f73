/**
 * `npm run recording`: runs `npm start -- --once` and draws what it printed, at the pace at which it did, for README.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type RecordedLine, recordingSvg } from "./recording-svg.ts";

const COMMAND = "npm start -- --once";

const began = Date.now();
const lines: RecordedLine[] = [
  { atMs: 0, text: `$ ${COMMAND}` },
  { atMs: 0, text: "" },
];
const child = spawn("npm", ["start", "--silent", "--", "--once"], {
  cwd: fileURLToPath(new URL("..", import.meta.url)),
  stdio: ["ignore", "pipe", "inherit"],
});
createInterface({ input: child.stdout }).on("line", (text) => {
  console.log(text);
  lines.push({ atMs: Date.now() - began, text });
});
const status = await new Promise<number | null>((resolve, reject) =>
  child.once("error", reject).once("close", resolve),
);
if (status !== 0) throw new Error(`expected ${COMMAND} to end well, found ${status ?? "a signal"}`);
writeFileSync(new URL("../docs/img/recording.svg", import.meta.url), recordingSvg(lines));
console.log("\ndocs/img/recording.svg is written.");
