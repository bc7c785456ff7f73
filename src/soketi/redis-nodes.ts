import { asOptions, onlySet, type RedisOptions } from "./carried-options.ts";

/** One of `clusterNodes` or `sentinels`. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
  /** A text with nothing but this in it. */
  readonly isBare?: boolean | undefined;
  /** What else the node has: `password`, `tls`, … Only what is set. */
  readonly options: RedisOptions;
}

/** In each form that ioredis takes: an object, a URL, `host:port`, a port alone. */
export function readNodes(value: unknown, defaultPort: number): RedisNode[] {
  return Array.isArray(value) ? value.map((node) => readNode(node, defaultPort)) : [];
}

function readNode(node: unknown, defaultPort: number): RedisNode {
  if (typeof node === "number" || typeof node === "string") return readText(String(node), defaultPort);
  const { host, port, ...options } = asOptions(node) ?? {};
  return {
    host: typeof host === "string" && host !== "" ? host : "127.0.0.1",
    port: Number(port ?? defaultPort),
    options: onlySet(options),
  };
}

const LOCATION = /^(?:(rediss?):)?(?:\/\/)?(?:([^?]*)@)?(.*?)(?::(\d+))?(?:\/[^?]*)?(?:\?(.*))?$/s;

function readText(text: string, defaultPort: number): RedisNode {
  if (/^\d+$/.test(text)) return { host: "127.0.0.1", port: Number(text), options: {} };
  const [, scheme, login, name = "", port, query] = LOCATION.exec(text) ?? [];
  const host = name.replace(/^\[(.*)\]$/, "$1");
  return {
    host: host === "" ? "127.0.0.1" : host,
    port: Number(port ?? defaultPort),
    isBare: text === name,
    options: {
      ...readQuery(query),
      ...readLogin(login),
      ...(scheme === "rediss" ? { tls: true } : undefined),
    },
  };
}

function readLogin(login: string | undefined): RedisOptions {
  if (login === undefined) return {};
  const [, username = "", password = ""] = /^(.*?)(?::(.*))?$/s.exec(login) ?? [];
  return onlySet({ username: decoded(username), password: decoded(password) });
}

/** Options may stand there as well; ioredis takes those before the @ first. */
function readQuery(query = ""): RedisOptions {
  const given = new URLSearchParams(query);
  return onlySet({ username: given.get("username"), password: given.get("password") });
}

/** A % that encodes nothing stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
