import type { Server } from "node:http";
import { isIP } from "node:net";
import { withoutHost } from "../config/without-host.ts";
import { ListenError } from "./errors.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What whoever starts it can choose others with: options or variables. */
  readonly settings: { readonly host: string; readonly port: string };
}

/** By Node's codes: what is found, and which of the two is to be chosen anew. */
const REASONS: Readonly<Record<string, readonly [found: string, setting: "host" | "port"]>> = {
  EADDRINUSE: ["that it is in use", "port"],
  EACCES: ["that this user is not allowed to", "port"],
  EADDRNOTAVAIL: ["that it is no address of this machine", "host"],
  ENOTFOUND: ["that the host is unknown", "host"],
  EAI_AGAIN: ["that the host is unknown", "host"],
};

/**
 * Listens, and resolves with the port. Connections that cannot be taken later, as when the process has too many files open, are
 * not its end. Rejects with ListenError.
 */
export function listen(server: Server, options: ListenOptions): Promise<number> {
  const { host, port } = options;
  return new Promise((resolve, reject) => {
    server.on("error", (error: NodeJS.ErrnoException) => reject(listenError(options, error)));
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}

function listenError({ host, port, settings }: ListenOptions, error: NodeJS.ErrnoException): ListenError {
  const [found, setting] = REASONS[error.code ?? ""] ?? [withoutHost(error.message), undefined];
  const choice = setting === undefined ? `${settings.host} or ${settings.port}` : settings[setting];
  return new ListenError(
    `expected to listen on ${addressOf(host, port)}, found ${found}: choose another with ${choice}`,
    { cause: error },
  );
}

/** A name may be anything, a password that belongs elsewhere too: only an address is shown, and the loopback's name. */
function addressOf(host: string, port: number): string {
  if (isIP(host) === 6) return `[${host}]:${port}`;
  return isIP(host) === 4 || host === "localhost" ? `${host}:${port}` : `port ${port} of a host (not shown)`;
}
