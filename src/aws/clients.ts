import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import type { ToolsConfig } from "../config/pipeline.ts";
import { rememberRequests } from "./failed-request.ts";
import { refuseForeignAnswers } from "./foreign-answers.ts";

/** Time limits of one request to AWS, in milliseconds. It is made three times, before it fails. */
export interface RequestLimits {
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
}

/** Far below any function's time-out, so that a retry fits in. */
const FUNCTION: RequestLimits = { connectionTimeout: 1_500, requestTimeout: 5_000 };

/** Somebody waits at a terminal: with all retries less than ten seconds. */
export const TOOLS: RequestLimits = { connectionTimeout: 1_500, requestTimeout: 2_200 };

/**
 * Without the last, the SDK warns and goes on waiting: a server that takes a request and never answers would hold it for ever. Its
 * limit ends with the head of an answer; that of the socket goes on: one that falls silent in the middle is the same.
 */
export const requestHandler = (limits: RequestLimits) => ({
  ...limits,
  socketTimeout: limits.requestTimeout,
  throwOnRequestTimeout: true,
});

/** A client's region. The SDK looks elsewhere for one that is absent, and its types take no undefined. */
export const inRegion = (region: string | undefined) => (region === undefined ? {} : { region });

/** Clients of the table, and of its stream. */
export interface DynamoDb {
  readonly tables: DynamoDBClient;
  readonly streams: DynamoDBStreamsClient;
}

/** For what reads the table or its stream again. Credentials come from the environment, as with AWS' own tools. */
export function openDynamoDb(
  { dynamodbEndpoint, region }: Pick<ToolsConfig, "dynamodbEndpoint" | "region">,
  limits = FUNCTION,
): DynamoDb {
  const options = {
    requestHandler: requestHandler(limits),
    ...inRegion(region),
    ...(dynamodbEndpoint === undefined ? {} : { endpoint: dynamodbEndpoint }),
  };
  const clients = { tables: new DynamoDBClient(options), streams: new DynamoDBStreamsClient(options) };
  rememberRequests(clients.tables);
  rememberRequests(clients.streams);
  refuseForeignAnswers(clients.tables);
  refuseForeignAnswers(clients.streams);
  return clients;
}
