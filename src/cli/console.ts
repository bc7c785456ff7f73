import { once } from "node:events";
import { type Command, InvalidArgumentError } from "commander";
import { AppsView } from "../console/apps.ts";
import { Observer } from "../console/observer.ts";
import { startConsole } from "../console/server.ts";
import { createCommand, running } from "./command.ts";
import { interruption } from "./interruption.ts";
import type { CommonOptions } from "./tools.ts";

interface ConsoleOptions extends CommonOptions {
  readonly host: string;
  readonly port: number;
}

/** `console`: one page with nodes, changes, staleness and apps. It changes nothing. */
export function createConsoleCommand(): Command {
  return createCommand("console", "Serve a page that shows nodes, changes, staleness and apps, live.", [
    "console",
    "console --port 8080",
    "console --host 0.0.0.0",
  ])
    .option(
      "--host <address>",
      "where to listen; anything but a loopback address asks for a token",
      "127.0.0.1",
    )
    .option("--port <number>", "0 takes a free one", port, 6009)
    .action((options: ConsoleOptions) =>
      running(options, async ({ tools, terminal }) => {
        const { table, names } = tools.config;
        const token = process.env.APP_SYNC_CONSOLE_TOKEN;
        const served = await startConsole({
          ...{ host: options.host, port: options.port, table, log: names.log },
          ...(token === undefined || token === "" ? {} : { token }),
          observer: new Observer(await tools.fleet()),
          apps: new AppsView(tools.items()),
          assets: new URL("console/", import.meta.url),
        });
        // From before it is said that it is there: whoever reads that may end it at once.
        const ended = interruption();
        terminal.value({ url: served.url });
        terminal.say(`Console: ${served.url}`);
        if (!ended.aborted) await once(ended, "abort");
        await served.close();
        return undefined;
      }),
    );
}

function port(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (number <= 65_535) return number;
  throw new InvalidArgumentError("Expected a port from 0 to 65535.");
}
