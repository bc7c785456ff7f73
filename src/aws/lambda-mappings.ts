import { LambdaClient, paginateListEventSourceMappings } from "@aws-sdk/client-lambda";
import { requestHandler, TOOLS } from "./clients.ts";
import { rememberRequests } from "./failed-request.ts";

/** An event source mapping as far as the promises depend on it. */
export interface MappingShape {
  readonly functionName: string;
  readonly state: string;
  /** `OK`, or what is wrong; undefined before the first batch. */
  readonly lastResult: string | undefined;
  readonly startingPosition: string | undefined;
  readonly reportsBatchItemFailures: boolean;
  readonly hasFailureQueue: boolean;
}

/** The event source mappings of a stream. Rejects with what AWS says. */
export async function listMappings(streamArn: string, region: string | undefined): Promise<MappingShape[]> {
  const client = new LambdaClient({
    requestHandler: requestHandler(TOOLS),
    ...(region === undefined ? {} : { region }),
  });
  rememberRequests(client);
  const mappings: MappingShape[] = [];
  try {
    const pages = paginateListEventSourceMappings({ client }, { EventSourceArn: streamArn });
    for await (const { EventSourceMappings = [] } of pages) {
      for (const mapping of EventSourceMappings) {
        mappings.push({
          functionName: mapping.FunctionArn?.split(":")[6] ?? "unknown",
          state: mapping.State ?? "unknown",
          lastResult: mapping.LastProcessingResult,
          startingPosition: mapping.StartingPosition,
          reportsBatchItemFailures:
            mapping.FunctionResponseTypes?.includes("ReportBatchItemFailures") ?? false,
          hasFailureQueue: mapping.DestinationConfig?.OnFailure?.Destination !== undefined,
        });
      }
    }
    return mappings;
  } finally {
    client.destroy();
  }
}
