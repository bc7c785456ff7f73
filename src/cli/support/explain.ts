import { RedisError } from "../../redis/errors.ts";
import type { ToolsConfig } from "../../config/pipeline.ts";

/** Errors of the AWS SDK by their name: what they mean to the user of a command line. */
const AWS: Readonly<Record<string, (config: ToolsConfig) => string>> = {
  CredentialsProviderError: ({ dynamodbEndpoint }) =>
    "expected credentials for DynamoDB, found none: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" +
    (dynamodbEndpoint === undefined ? "" : " (a local DynamoDB takes any)"),
  ResourceNotFoundException: (config) =>
    `expected table ${config.table} ${place(config)}, found none: set --table, --region or --endpoint`,
  AccessDeniedException: (config) =>
    `DynamoDB does not permit this on table ${config.table}: see docs/security.md`,
  UnrecognizedClientException: () =>
    "DynamoDB does not know these credentials: check AWS_PROFILE and the region",
  ExpiredTokenException: () => "the AWS credentials have expired: sign in again",
};

/**
 * The one thing to tell about a failure.
 *
 * @param redisTrouble what the connection to Redis said last.
 */
export function explain(error: unknown, config: ToolsConfig | undefined, redisTrouble?: string): string {
  if (!(error instanceof Error)) return String(error);
  const known = Object.hasOwn(AWS, error.name) ? AWS[error.name] : undefined;
  if (known && config) return known(config);
  if (error.message.includes("Region is missing"))
    return "expected a region, found none: set --region or AWS_REGION";
  if (error instanceof RedisError && redisTrouble !== undefined && !error.message.includes(redisTrouble)) {
    return `${error.message} (${redisTrouble})`;
  }
  const { code } = error as { code?: unknown };
  if (code === "ECONNREFUSED" && config?.dynamodbEndpoint !== undefined && error.name !== "RedisError") {
    return `expected DynamoDB at ${config.dynamodbEndpoint}, found nobody there: check --endpoint`;
  }
  return error.message === "" ? error.name : error.message;
}

function place({ dynamodbEndpoint, region }: ToolsConfig): string {
  if (dynamodbEndpoint !== undefined) return `at ${dynamodbEndpoint}`;
  return region === undefined ? "in the configured region" : `in region ${region}`;
}

/** The code of an error, which stays when its words change: ours, Redis' or Node's; undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}
