import { withoutHost } from "../config/without-host.ts";

/**
 * Thrown when Redis did not do what it was asked. Holds the server's or the socket's own words, never the command's
 * arguments: ioredis errors carry those, some servers quote them, and they must not reach a log.
 */
export class RedisError extends Error {
  override readonly name = "RedisError";
  /** As Redis or Node say it: READONLY, OOM, NOAUTH, ECONNREFUSED, …; TIMEOUT for silence; UNKNOWN when nothing says it. */
  readonly code: string;
  /** Why, in the words of the server or the socket. */
  readonly reason: string;
  /** What it was asked for. Completes "could not …". */
  readonly doing: string;

  constructor(doing: string, cause: unknown) {
    const reason = reasonOf(cause);
    super(`Redis could not ${doing}: ${reason}`);
    this.reason = reason;
    this.doing = doing;
    this.code = codeOf(cause, reason);
  }
}

/** Thrown when Redis' login could not be read from where it is kept. It is read again at the next use. */
export class RedisLoginError extends Error {
  override readonly name = "RedisLoginError";
  readonly code = "E_REDIS_LOGIN";
}

/** The outcome of some work on Redis, or a RedisError. `doing` completes "Redis could not …". */
export async function orRedisError<T>(doing: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof RedisError ? error : new RedisError(doing, error);
  }
}

/** The cause of a RedisError when nothing was answered in time. */
export function silence(limitMs: number): Error {
  return Object.assign(new Error(`no answer within ${limitMs} ms`), { code: "TIMEOUT" });
}

/** Why, in the words of the server or the socket, without arguments of the command. */
export function reasonOf(cause: unknown): string {
  const last = lastNodeError(cause);
  if (last !== undefined)
    return `no node of the cluster could be asked, and the last one said: ${reasonOf(last)}`;
  // A host with two addresses, of which neither answers, is an error without words of its own.
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map(reasonOf).join("; ");
  const words = withoutHost(cause instanceof Error ? cause.message : String(cause));
  return LIBRARY_MESSAGES.find(([said]) => said.test(words))?.[1] ?? withoutArguments(words, cause);
}

/** Of an answer that cannot be read. Said of a server. */
export const OTHER_PROTOCOL = "answers like another server: check host and port";

/** Sentences of ioredis', which are about its options, and what they mean. */
const LIBRARY_MESSAGES: readonly (readonly [RegExp, string])[] = [
  [/^Reached the max retries per request limit/, "the connection kept breaking"],
  [/^Connection is closed/, "the connection is closed"],
  [/^Command timed out/, "no answer in time"],
  [/^All sentinels are unreachable/, "no sentinel could be reached"],
  [/^(Unknown RESP type|Protocol error, got )/, `it ${OTHER_PROTOCOL}`],
  [/^Failed to refresh slots cache/, "no node of the cluster could be asked"],
  [/^None of startup nodes is available/, "no node of the cluster could be reached"],
  // The server's own, to whoever has taken it for a single one.
  [/^MOVED /, "MOVED: another node of its cluster has that key, and REDIS_CLUSTER_NODES is for clusters"],
];

/**
 * Some servers quote the command that they refuse. The one that logs in has the password in it, and one that writes has apps with
 * their secrets: `unknown command 'auth', with args beginning with: 'user' 'password'`.
 */
function withoutArguments(words: string, cause: unknown): string {
  const shown = words.replace(/(,?\s*(with args beginning with|Last reply):| script: [\da-f]{40},).*$/s, "");
  const secrets = secretsIn((cause as { command?: FailedCommand } | null | undefined)?.command);
  if (!secrets.some((secret) => bare(shown).includes(secret)) || shown.startsWith("WRONGPASS invalid"))
    return shown;
  const [code = "ERR"] = /^[A-Z]{2,}\b/.exec(shown) ?? [];
  return `${secrets.some((secret) => code.includes(secret)) ? "ERR" : code} it refused the command; the answer quotes it (not shown)`;
}

/** Shorter arguments are words and numbers, which may be in any answer; of a longer one a server may quote only the beginning. */
const QUOTED = { min: 8, max: 16 };

/** What of a command must not be told: the password of one that logs in, and whatever has some length. */
function secretsIn(command: FailedCommand | undefined): string[] {
  const args = Array.isArray(command?.args) ? command.args.map((argument) => bare(String(argument))) : [];
  const name = String(command?.name).toLowerCase();
  // AUTH [<user>] <password>, by itself or within HELLO.
  const words = [name, ...args];
  const login = words.findIndex((word) => word.toLowerCase() === "auth");
  const password = login < 0 ? [] : words.slice(login + 1, login + 3).slice(-1);
  // The text of a script, its hash and its keys are no secrets, and answers of its own may name them.
  const values = name.startsWith("eval") ? args.slice(2 + Number(args[1])) : args;
  const long = values.filter(({ length }) => length >= QUOTED.min);
  return [...password.filter(Boolean), ...long.map((value) => value.slice(0, QUOTED.max))];
}

/** Without what quoting adds. */
function bare(text: string): string {
  return text.replace(/["'`\\]/g, "");
}

/** What ioredis notes of a command at the error that it met. */
interface FailedCommand {
  readonly name?: unknown;
  readonly args?: unknown;
}

/** What ioredis has of the last node that it tried, when it could reach none of a cluster. */
function lastNodeError(cause: unknown): unknown {
  return (cause as { lastNodeError?: unknown } | null | undefined)?.lastNodeError ?? undefined;
}

function codeOf(cause: unknown, words: string): string {
  const last = lastNodeError(cause);
  if (last !== undefined) return codeOf(last, reasonOf(last));
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  if (typeof code === "string") return code;
  // ioredis, of a command that it has sent.
  if (words === "no answer in time") return "TIMEOUT";
  return /^([A-Z]{2,})\b/.exec(words)?.[1] ?? "UNKNOWN";
}
