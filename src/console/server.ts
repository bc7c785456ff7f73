import { createServer } from "node:http";
import { listen } from "../http/listen.ts";
import { AppsView } from "./apps.ts";
import type { LocalControls } from "./local-controls.ts";
import { tokenFor } from "./login.ts";
import type { Observer } from "./observer.ts";
import { refuse } from "./replies.ts";
import { answer } from "./routes.ts";
import { snapshotOf } from "./snapshot.ts";
import { Streams } from "./streams.ts";
import { probe, type TableReads, withLimit } from "./table-reads.ts";
import { Watch } from "./watch.ts";

/** Options of the command. */
const SETTINGS = { host: "--host", port: "--port" };

export interface ConsoleOptions {
  /** Where to listen; on anything but a loopback address a token is asked for in any case. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /**
   * What is asked for then, of URL-safe characters; by default a random one, and on a loopback address none. With a token a
   * request may name any host: it may have come through a proxy.
   */
  readonly token?: string | undefined;
  readonly table: string;
  readonly log: string;
  readonly observer: Observer;
  readonly items: TableReads;
  /** A failure of Redis or DynamoDB in the user's words; by default in its own. */
  readonly explain?: ((error: unknown) => string) | undefined;
  /** In the local stack only: without it the console changes nothing. */
  readonly controls?: LocalControls | undefined;
  /** The folder of the built page. */
  readonly assets: URL;
}

export interface Console {
  /** With the token, when there is one. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the page, and what it shows. Rejects with ListenError when the port cannot be taken. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { host, observer, explain = messageOf } = options;
  const token = tokenFor(host, options.token);
  const streams = new Streams();
  const items = withLimit(options.items);
  const apps = new AppsView(items);
  const watch = new Watch({
    observer,
    probeTable: () => probe(items),
    // Not waited for: a table that cannot be read says nothing of the nodes.
    onChanges: (rows) => void apps.changed(rows.flatMap(({ appId }) => appId ?? [])),
    onNews: () => streams.send(state),
    explain,
  });
  const state = () => JSON.stringify(snapshotOf({ ...options, watch }, Date.now()));
  const server = createServer((request, response) => {
    answer(request, response, { ...options, apps, explain, token, streams, state }).catch(
      (error: unknown) => {
        if (!response.headersSent) refuse(response, 500, messageOf(error));
        else response.end();
      },
    );
  });
  const port = await listen(server, { host, port: options.port, settings: SETTINGS });
  await watch.start();
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${name}:${port}/${token === undefined ? "" : `?token=${token}`}`,
    async close() {
      await watch.stop();
      streams.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
