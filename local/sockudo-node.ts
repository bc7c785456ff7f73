import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { sockudoBinary } from "./sockudo-binary.ts";

export interface SockudoNode {
  readonly port: number;
  readonly url: string;
  readonly child: Child;
  stop(): Promise<void>;
}

/** What stands in sockudo's configuration file: its own names, in its own nesting. */
export type SockudoConfig = Readonly<Record<string, unknown>>;

/** A real sockudo as a child process. Its port is a free one, whatever the configuration says. */
export async function startSockudo(config: SockudoConfig, name = "sockudo"): Promise<SockudoNode> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "sockudo-"));
  const file = join(folder, "config.json");
  const own = { host: "127.0.0.1", port, shutdown_grace_period: 0, metrics: { enabled: false } };
  writeFileSync(file, JSON.stringify({ ...config, ...own }), { mode: 0o600 });
  const url = `http://127.0.0.1:${port}`;
  try {
    const child = await startChild({
      name,
      command: sockudoBinary(),
      args: ["--config", file],
      ready: async () =>
        (await fetch(`${url}/accept-traffic`, { signal: AbortSignal.timeout(1_000) })).status === 200,
      readyWithinMs: 120_000,
    });
    return { port, url, child, stop: () => child.stop() };
  } finally {
    // It is read once, at the start.
    rmSync(folder, { recursive: true, force: true });
  }
}
