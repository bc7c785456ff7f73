import { chromium, type Browser } from "playwright-core";
import { provide } from "../../local/provide.ts";
import { CHROMIUM } from "../../local/requirements.mjs";
import { execFileSync } from "node:child_process";

/** A real Chromium, from PATH; on Debian as root it is installed. @throws Error with one line that says what to type. */
export async function openChromium(): Promise<Browser> {
  provide(CHROMIUM, console.log);
  const executablePath = execFileSync("sh", ["-c", `command -v ${CHROMIUM.command}`], {
    encoding: "utf8",
  }).trim();
  return chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
}
