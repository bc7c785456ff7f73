import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What Lambda answers of one mapping: https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html */
export interface MappingConfiguration {
  readonly FunctionArn: string;
  readonly State: string;
  readonly LastProcessingResult?: string;
  readonly StartingPosition: string;
  readonly FunctionResponseTypes: readonly string[];
  readonly DestinationConfig: { readonly OnFailure: { readonly Destination: string } };
  readonly FilterCriteria?: { readonly Filters: readonly { readonly Pattern: string }[] };
  readonly FilterCriteriaError?: { readonly ErrorCode: string };
  readonly MaximumBatchingWindowInSeconds?: number;
}

/** As it is deployed. */
export const DEPLOYED: MappingConfiguration = {
  FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:stream",
  State: "Enabled",
  LastProcessingResult: "OK",
  StartingPosition: "TRIM_HORIZON",
  FunctionResponseTypes: ["ReportBatchItemFailures"],
  DestinationConfig: { OnFailure: { Destination: "arn:aws:sqs:us-east-1:123456789012:failures" } },
};

/** Lambda's ListEventSourceMappings, as its reference has it: no Lambda can run here. */
export async function startLambdaApi(mappings: readonly MappingConfiguration[]) {
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ EventSourceMappings: mappings }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
