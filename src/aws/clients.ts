import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import type { ToolsConfig } from "../config/pipeline.ts";

/** Time limits of one request to AWS, in milliseconds: far below any function's time-out, so that a retry fits in. */
const REQUEST = { connectionTimeout: 1_500, requestTimeout: 5_000, throwOnRequestTimeout: true };

/** For what reads the table or its stream again. Credentials come from the environment, as with AWS' own tools. */
export function openDynamoDb({ dynamodbEndpoint, region }: Pick<ToolsConfig, "dynamodbEndpoint" | "region">) {
  const options = {
    requestHandler: REQUEST,
    // The SDK looks for what is absent elsewhere; its types take no undefined.
    ...(region === undefined ? {} : { region }),
    ...(dynamodbEndpoint === undefined ? {} : { endpoint: dynamodbEndpoint }),
  };
  return { tables: new DynamoDBClient(options), streams: new DynamoDBStreamsClient(options) };
}
