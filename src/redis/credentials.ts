import type { Environment } from "../config/env.ts";
import type { RedisCredentialsSource } from "../config/redis-credentials.ts";
import { RedisLoginError } from "./errors.ts";
import { presign, sha256 } from "./presign.ts";
import type { RedisLogin } from "./with-credentials.ts";

export interface RedisCredentials {
  /** What the next connection logs in with; read by ioredis each time it connects. Undefined before it is known. */
  readonly login: RedisLogin | undefined;
  /**
   * Before Redis is used: gets a secret that is not there yet, or that Redis refused since.
   *
   * @throws RedisLoginError saying what could not be read, without its value.
   */
  prepare(): Promise<void>;
  /** Redis refused the login: it was changed, perhaps. */
  refused(): void;
}

/** A token is good for this long, for new connections (ElastiCache's own limit). Seconds. */
const TOKEN_SECONDS = 900;

/** A secret that was refused is read again, but not more often than this. Milliseconds. */
const READ_AGAIN_MS = 5_000;

export function createRedisCredentials(
  source: RedisCredentialsSource,
  environment: Environment,
  now: () => number,
): RedisCredentials {
  return source.kind === "iam"
    ? new IamTokens(source, environment, now)
    : new StoredSecret(source, environment, now);
}

/** A new token for each connection, signed with the role's credentials: Lambda keeps those in the environment. */
class IamTokens implements RedisCredentials {
  readonly #source: Extract<RedisCredentialsSource, { kind: "iam" }>;
  readonly #environment: Environment;
  readonly #now: () => number;

  constructor(
    source: Extract<RedisCredentialsSource, { kind: "iam" }>,
    environment: Environment,
    now: () => number,
  ) {
    this.#source = source;
    this.#environment = environment;
    this.#now = now;
  }

  get login(): RedisLogin | undefined {
    const { cacheName, serverless, username, region } = this.#source;
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = this.#environment;
    if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
    const request = {
      host: cacheName,
      path: "/",
      query: { Action: "connect", User: username, ResourceType: serverless ? "ServerlessCache" : undefined },
      region,
      service: "elasticache",
      expiresSeconds: TOKEN_SECONDS,
      payloadHash: sha256(""),
    };
    const credentials = {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      // Empty counts as absent, as with every variable.
      sessionToken: AWS_SESSION_TOKEN === "" ? undefined : AWS_SESSION_TOKEN,
    };
    return { username, password: presign(request, credentials, new Date(this.#now())) };
  }

  prepare(): Promise<void> {
    if (this.login) return Promise.resolve();
    return Promise.reject(
      new RedisLoginError(
        "expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to sign a login for ElastiCache with, found none: " +
          "in Lambda they are those of the function's role",
      ),
    );
  }

  refused(): void {
    // The next connection signs a new one anyway.
  }
}

/** A password in Secrets Manager or SSM: read once, and again after Redis refused it. */
class StoredSecret implements RedisCredentials {
  login: RedisLogin | undefined;
  readonly #source: Exclude<RedisCredentialsSource, { kind: "iam" }>;
  readonly #environment: Environment;
  readonly #now: () => number;
  #readAt = Number.NEGATIVE_INFINITY;
  #refused = false;

  constructor(
    source: Exclude<RedisCredentialsSource, { kind: "iam" }>,
    environment: Environment,
    now: () => number,
  ) {
    this.#source = source;
    this.#environment = environment;
    this.#now = now;
  }

  async prepare(): Promise<void> {
    if (this.login && !(this.#refused && this.#now() - this.#readAt >= READ_AGAIN_MS)) return;
    this.#readAt = this.#now();
    this.login = await this.#read();
    this.#refused = false;
  }

  refused(): void {
    this.#refused = true;
  }

  async #read(): Promise<RedisLogin> {
    const source = this.#source;
    const what = source.kind === "secret" ? `secret ${source.id}` : `parameter ${source.name}`;
    let text: string | undefined;
    try {
      text = await (source.kind === "secret"
        ? readSecret(source.id, this.#environment)
        : readParameter(source.name, this.#environment));
    } catch (error) {
      const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      throw new RedisLoginError(`expected to read Redis' password from ${what}, found ${words}`, {
        cause: error,
      });
    }
    const login = source.kind === "secret" ? parseSecret(text) : plain(text);
    if (login) return login;
    throw new RedisLoginError(
      `expected ${what} to be Redis' password, or JSON with password and perhaps username, found something else`,
    );
  }
}

/** The SDK comes with Lambda's runtime, and is loaded only where it is used: it is no part of the bundle. */
async function readSecret(id: string, { AWS_REGION }: Environment): Promise<string | undefined> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient(AWS_REGION ? { region: AWS_REGION } : {});
  return (await client.send(new GetSecretValueCommand({ SecretId: id }))).SecretString;
}

async function readParameter(name: string, { AWS_REGION }: Environment): Promise<string | undefined> {
  const { GetParameterCommand, SSMClient } = await import("@aws-sdk/client-ssm");
  const client = new SSMClient(AWS_REGION ? { region: AWS_REGION } : {});
  return (await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }))).Parameter?.Value;
}

function plain(text: string | undefined): RedisLogin | undefined {
  return text === undefined || text === "" ? undefined : { password: text };
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
  const { username, password } = value as { username?: unknown; password?: unknown };
  if (typeof password !== "string" || password === "") return undefined;
  return { username: typeof username === "string" && username !== "" ? username : undefined, password };
}
