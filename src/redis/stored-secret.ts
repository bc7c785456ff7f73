import type { Environment } from "../config/env.ts";
import type { RedisCredentialsSource } from "../config/redis-credentials.ts";
import { withoutLastLineBreaks } from "../config/line-breaks.ts";
import { within } from "../async/within.ts";
import { RedisLoginError } from "./errors.ts";
import type { RedisCredentials, RedisLogin } from "./with-credentials.ts";

type StoredSource = Exclude<RedisCredentialsSource, { kind: "iam" }>;

export interface StoredSecretOptions {
  readonly source: StoredSource;
  readonly environment: Environment;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A secret that was refused is read again, but not more often than this. Milliseconds. */
const READ_AGAIN_MS = 5_000;

/** How long the service may take to answer, all of the SDK's tries together: most of the batch's time is Redis'. Milliseconds. */
const READ_LIMIT_MS = 5_000;

/** By kind: what is asked, and by which variable it was named. */
const SERVICES = {
  secret: { service: "Secrets Manager", variable: "REDIS_SECRET_ID" },
  parameter: { service: "SSM", variable: "REDIS_PASSWORD_PARAMETER" },
} as const;

/** A password in Secrets Manager or SSM: read once, and again after Redis refused it. */
export class StoredSecret implements RedisCredentials {
  login: RedisLogin | undefined;
  readonly #source: StoredSource;
  readonly #environment: Environment;
  readonly #now: () => number;
  #readAt = Number.NEGATIVE_INFINITY;
  #refused = false;

  constructor(options: StoredSecretOptions) {
    this.#source = options.source;
    this.#environment = options.environment;
    this.#now = options.now;
  }

  async prepare(): Promise<void> {
    if (this.login && !(this.#refused && this.#now() - this.#readAt >= READ_AGAIN_MS)) return;
    this.#readAt = this.#now();
    this.login = await readLogin(this.#source, this.#environment);
    this.#refused = false;
  }

  refused(): void {
    this.#refused = true;
  }
}

/**
 * What was named is not quoted: whoever mixes variables up names the password itself.
 *
 * @throws RedisLoginError in the words of the service.
 */
async function readLogin(source: StoredSource, environment: Environment): Promise<RedisLogin> {
  const { service, variable } = SERVICES[source.kind];
  const named = source.kind === "secret" ? source.id : source.name;
  const abort = new AbortController();
  const late = () => {
    abort.abort();
    return new RedisLoginError(
      `Could not read Redis' password from ${service} (${variable}): no answer within ${READ_LIMIT_MS / 1_000} s. ` +
        "In a VPC the function needs an endpoint of the service, or a NAT gateway.",
    );
  };
  const read = source.kind === "secret" ? readSecret : readParameter;
  let text: string | undefined;
  try {
    text = await within(READ_LIMIT_MS, late, read(named, environment, abort.signal));
  } catch (error) {
    if (error instanceof RedisLoginError) throw error;
    const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const shown = words.replaceAll(named, "…");
    throw new RedisLoginError(`Could not read Redis' password from ${service} (${variable}): ${shown}`);
  }
  const login = parseSecret(text);
  if (login) return login;
  throw new RedisLoginError(
    `${variable}: expected Redis' password, or JSON with password, found something else ` +
      `in ${service} (not shown).`,
  );
}

/** The SDK comes with Lambda's runtime, and is loaded only where it is used: it is no part of the bundle. */
async function readSecret(
  id: string,
  { AWS_REGION: region }: Environment,
  abortSignal: AbortSignal,
): Promise<string | undefined> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient(region ? { region } : {});
  return (await client.send(new GetSecretValueCommand({ SecretId: id }), { abortSignal })).SecretString;
}

async function readParameter(
  name: string,
  { AWS_REGION: region }: Environment,
  abortSignal: AbortSignal,
): Promise<string | undefined> {
  const { GetParameterCommand, SSMClient } = await import("@aws-sdk/client-ssm");
  const client = new SSMClient(region ? { region } : {});
  const command = new GetParameterCommand({ Name: name, WithDecryption: true });
  return (await client.send(command, { abortSignal })).Parameter?.Value;
}

function plain(text = ""): RedisLogin | undefined {
  const password = withoutLastLineBreaks(text);
  return password === "" ? undefined : { password };
}

function parseSecret(text: string | undefined): RedisLogin | undefined {
  if (!text?.trimStart().startsWith("{")) return plain(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // A password may begin with a brace.
    return plain(text);
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const field = (name: string) => {
    const text = fields[name];
    return typeof text === "string" ? plain(text)?.password : undefined;
  };
  const password = field("password");
  return password === undefined
    ? undefined
    : {
        username: field("username"),
        password,
        sentinelUsername: field("sentinelUsername"),
        sentinelPassword: field("sentinelPassword"),
      };
}
