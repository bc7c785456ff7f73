import { type FailedRequest, failedRequestOf, isOfWrite } from "../../aws/failed-request.ts";
import { isUnanswered } from "../../aws/conditional-write.ts";
import { regionFault } from "../../aws/region-fault.ts";
import { describeRedis } from "../../config/describe-redis.ts";
import type { ToolsConfig } from "../../config/pipeline.ts";
import { OTHER_PROTOCOL, RedisError } from "../../redis/errors.ts";

/** Errors of the AWS SDK by their name: what they mean to the user of a command line. */
const AWS: Readonly<Record<string, (config: ToolsConfig, request?: FailedRequest) => string>> = {
  CredentialsProviderError: ({ dynamodbEndpoint }) =>
    "expected credentials for DynamoDB, found none: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" +
    (dynamodbEndpoint === undefined ? "" : " (a local DynamoDB takes any)"),
  ResourceNotFoundException: (config) =>
    `expected table ${config.table} ${place(config)}, found none: set --table, --region or --endpoint`,
  AccessDeniedException: ({ table }, request) =>
    isOfLambda(request)
      ? `Lambda does not allow ${actionOf(request)} to these credentials`
      : `DynamoDB does not allow ${actionOf(request)} on table ${table} to these credentials: see docs/security.md`,
  UnrecognizedClientException: (_, request) =>
    `${isOfLambda(request) ? "Lambda" : "DynamoDB"} does not know these credentials: check AWS_PROFILE and the region`,
  InvalidSignatureException: () =>
    "AWS rejects the signature: check the secret access key, and this machine's clock, which may be off by 5 min at most",
  ExpiredTokenException: () => "the AWS credentials have expired: sign in again",
};

const MAPPINGS = "ListEventSourceMappingsCommand";

/** The one request of the tools that is for another service than DynamoDB. */
function isOfLambda(request: FailedRequest | undefined): boolean {
  return request?.command === MAPPINGS;
}

/** As policies name it: `dynamodb:Scan`. */
function actionOf(request: FailedRequest | undefined): string {
  if (!request) return "this";
  return `${isOfLambda(request) ? "lambda" : "dynamodb"}:${request.command.replace(/Command$/, "")}`;
}

/** What a request to AWS was there for. Completes "Could not …". */
const REQUESTS: Readonly<Record<string, (table: string) => string>> = {
  GetItemCommand: (table) => `read an app of table ${table}`,
  BatchGetItemCommand: (table) => `read apps of table ${table}`,
  QueryCommand: (table) => `look up a key in table ${table}`,
  ScanCommand: (table) => `read table ${table}`,
  PutItemCommand: (table) => `write to table ${table}`,
  UpdateItemCommand: (table) => `write to table ${table}`,
  DeleteItemCommand: (table) => `write to table ${table}`,
  DescribeTableCommand: (table) => `look at table ${table}`,
  GetShardIteratorCommand: (table) => `read the stream of table ${table}`,
  GetRecordsCommand: (table) => `read the stream of table ${table}`,
  [MAPPINGS]: (table) => `ask Lambda who reads the stream of table ${table}`,
};

/** What a code of Redis' or the network's says of the server. Codes stay when words change. */
const SERVER: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused the connection (ECONNREFUSED)",
  ECONNRESET: "closed the connection (ECONNRESET)",
  EPIPE: "closed the connection (EPIPE)",
  ETIMEDOUT: "did not answer (ETIMEDOUT)",
  TIMEOUT: "did not answer (TIMEOUT)",
  TimeoutError: "did not answer (TIMEOUT)",
  EHOSTUNREACH: "is unreachable from here (EHOSTUNREACH)",
  ENETUNREACH: "is unreachable from here (ENETUNREACH)",
  EPROTO: "does not speak TLS on that port (EPROTO)",
  ENOTFOUND: "has an unknown host name (ENOTFOUND)",
  EAI_AGAIN: "has an unknown host name (EAI_AGAIN)",
  WRONGPASS: "rejected the user or password (WRONGPASS)",
  NOAUTH: "requires a password (NOAUTH)",
  E_FOREIGN_ANSWER: OTHER_PROTOCOL,
  ThrottlingException: "throttles (ThrottlingException)",
  ProvisionedThroughputExceededException: "throttles (ProvisionedThroughputExceededException)",
};

/**
 * The one thing to tell about a failure.
 *
 * @param redisTrouble what the connection to Redis said last.
 */
export function explain(error: unknown, config: ToolsConfig | undefined, redisTrouble?: RedisError): string {
  if (!(error instanceof Error)) return String(error);
  const known = Object.hasOwn(AWS, error.name) ? AWS[error.name] : undefined;
  const request = failedRequestOf(error);
  if (known && config) return known(config, request);
  const region = regionFault(error.message);
  if (region !== undefined)
    return `expected a region such as eu-central-1, found ${region}: set --region or AWS_REGION`;
  if (error instanceof RedisError) return explainRedis(error, config, redisTrouble);
  if (request && config) {
    const doing = REQUESTS[request.command]?.(config.table) ?? `use table ${config.table}`;
    const service = isOfLambda(request) ? "Lambda" : "DynamoDB";
    const at = request.address === undefined ? "" : ` at ${request.address}`;
    const why = ofServer(codeOf(error) ?? error.name, error.message);
    return `Could not ${doing}: ${service}${at} ${why}${hintOn(error)}`;
  }
  return explainFile(error) ?? (error.message === "" ? error.name : error.message);
}

/** A connection that could not be made is told of by the connection: the command only knows that it was not sent. */
function explainRedis(
  error: RedisError,
  config: ToolsConfig | undefined,
  trouble: RedisError | undefined,
): string {
  const cause = Object.hasOwn(SERVER, error.code) && error.code !== "TIMEOUT" ? error : (trouble ?? error);
  const at = config?.redis === undefined ? "" : ` at ${describeRedis(config.redis)}`;
  return `Could not ${error.doing}: Redis${at} ${ofServer(cause.code, cause.reason)}`;
}

/** What DynamoDB says of a request that does not fit the table names neither the table nor what to do. */
function hintOn(error: Error): string {
  if (isOfWrite(error) && isUnanswered(error)) {
    return '. It may have been written all the same: check with "soketi-app-sync get" before you try again';
  }
  if (error.name !== "ValidationException") return "";
  // Not what it says of a value: "… for key :v0".
  return /specified index|required keys|key schema|conditions on the keys|mismatch for key|key element/i.test(
    error.message,
  )
    ? '. "soketi-app-sync doctor" checks key and index of the table'
    : "";
}

/** The SDK's words for an answer that it cannot read. */
const NO_JSON = /Deserialization error|is not valid JSON|^UnknownError$/;

function ofServer(code: string, words: string): string {
  const known = Object.hasOwn(SERVER, code) ? SERVER[code] : undefined;
  if (known !== undefined) return known;
  if (NO_JSON.test(words) || words.endsWith(OTHER_PROTOCOL)) return OTHER_PROTOCOL;
  return words === "" ? `failed (${code})` : `says: ${words}`;
}

/** Of files, in Node's codes. */
function explainFile(error: Error): string | undefined {
  const { code, path } = error as NodeJS.ErrnoException;
  if (path === undefined) return undefined;
  if (code === "ENOENT") return `expected a file ${path}, found none`;
  if (code === "EISDIR") return `expected a file ${path}, found a folder`;
  if (code === "EACCES" || code === "EPERM") return `Could not use file ${path}: permission denied (${code})`;
  return undefined;
}

function place({ dynamodbEndpoint, region }: ToolsConfig): string {
  if (dynamodbEndpoint !== undefined) return `at ${new URL(dynamodbEndpoint).origin}`;
  return region === undefined ? "in the configured region" : `in region ${region}`;
}

/** The code of an error, which stays when its words change: ours, Redis', Node's or AWS's; undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof code === "string") return code;
  if (name === "TimeoutError") return "TIMEOUT";
  return typeof name === "string" && (Object.hasOwn(AWS, name) || name.endsWith("Exception"))
    ? name
    : undefined;
}
