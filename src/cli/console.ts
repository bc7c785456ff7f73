import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { readCanaryApp } from "../config/canary.ts";
import { Observer } from "../console/observer.ts";
import { startConsole } from "../console/server.ts";
import { readCanaryResults } from "../fleet/canary-results.ts";
import { createFleet } from "../redis/fleet.ts";
import { port } from "./support/arguments.ts";
import { createCommand, runCommand } from "./support/command.ts";
import { explain } from "./support/explain.ts";
import { interruption } from "./support/interruption.ts";
import { outputFailed } from "./support/lost-output.ts";
import type { CommonOptions } from "./support/tools.ts";
import { UsageError } from "./support/errors.ts";

/** A token that can be guessed is none, and one that has to be escaped ends up in half of the places. */
const TOKEN = /^[\w.~-]{16,256}$/;

interface ConsoleOptions extends CommonOptions {
  readonly tokenFile?: string;
  readonly host: string;
  readonly port: number;
}

/** `console`: one page with nodes, changes, staleness and apps. It changes nothing. */
export function createConsoleCommand(): Command {
  return createCommand("console", "Serve a page that shows nodes, changes, staleness and apps, live.", [
    "console",
    "console --port 8080",
    "console --host 0.0.0.0 --token-file /run/secrets/console-token",
  ])
    .option(
      "--host <address>",
      "address to listen on; any but a loopback address requires a token",
      "127.0.0.1",
    )
    .option(
      "--token-file <path>",
      "file with the token to require (or APP_SYNC_CONSOLE_TOKEN); random by default",
    )
    .option("--port <number>", "port; 0 picks a free one", port, 6009)
    .action((options: ConsoleOptions) =>
      runCommand(options, async ({ tools, terminal }) => {
        const { table, names } = tools.config;
        const redis = await tools.redisLater();
        const token = await readToken(options.tokenFile);
        const served = await startConsole({
          host: options.host,
          port: options.port,
          table,
          log: names.log,
          token,
          observer: new Observer(createFleet(redis, names), {
            quietApp: readCanaryApp(process.env),
            readCanary: () => readCanaryResults(redis, names),
            hasSharedCache: tools.config.sharedCache !== undefined,
          }),
          items: await tools.items(),
          explain: (error) => explain(error, tools.config, tools.redisTrouble()),
          assets: new URL("console/", import.meta.url),
        });
        // From before it is said that it is there: whoever reads that may end it at once.
        const ended = AbortSignal.any([interruption(), outputFailed()]);
        terminal.value({ url: served.url });
        terminal.print(`Console: ${served.url}`);
        if (!ended.aborted) await once(ended, "abort");
        await served.close();
        return undefined;
      }),
    );
}

/** @throws UsageError for one that is no token, without showing it. */
async function readToken(file: string | undefined): Promise<string | undefined> {
  const from = file ?? "APP_SYNC_CONSOLE_TOKEN";
  const text = file === undefined ? process.env.APP_SYNC_CONSOLE_TOKEN : await readFile(file, "utf8");
  if (text === undefined || (file === undefined && text === "")) return undefined;
  const token = text.trim();
  if (TOKEN.test(token)) return token;
  throw new UsageError(
    `${from}: expected a token of 16 to 256 letters, digits, -, ., _ or ~; found another text of length ${token.length}: ` +
      "create one with: openssl rand -hex 24",
  );
}
