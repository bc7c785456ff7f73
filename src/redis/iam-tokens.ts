import type { Environment } from "../config/env.ts";
import type { RedisCredentialsSource } from "../config/redis-credentials.ts";
import { RedisLoginError } from "./errors.ts";
import { presign, sha256 } from "./presign.ts";
import type { RedisCredentials, RedisLogin } from "./with-credentials.ts";

type IamSource = Extract<RedisCredentialsSource, { kind: "iam" }>;

export interface IamTokensOptions {
  readonly source: IamSource;
  readonly environment: Environment;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A token is good for this long, for new connections (ElastiCache's own limit). Seconds. */
const TOKEN_SECONDS = 900;

/** A new token for each connection, signed with the role's credentials: Lambda keeps those in the environment. */
export class IamTokens implements RedisCredentials {
  readonly #source: IamSource;
  readonly #environment: Environment;
  readonly #now: () => number;

  constructor(options: IamTokensOptions) {
    this.#source = options.source;
    this.#environment = options.environment;
    this.#now = options.now;
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
        "expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to sign an ElastiCache login, found none: " +
          "in Lambda the function's role provides them",
      ),
    );
  }

  refused(): void {
    // The next connection signs a new one anyway.
  }
}
