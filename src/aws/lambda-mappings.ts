import { LambdaClient, paginateListEventSourceMappings } from "@aws-sdk/client-lambda";
import { inRegion, requestHandler, TOOLS } from "./clients.ts";
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
  /** Whether records pass a filter: what it does not let through, the function never sees. */
  readonly hasFilter: boolean;
  /** How long records may wait for a fuller batch. Seconds. */
  readonly batchWindowSeconds: number;
}

/** The event source mappings of a stream. Rejects with what AWS says. */
export async function listMappings(streamArn: string, region: string | undefined): Promise<MappingShape[]> {
  const client = new LambdaClient({ requestHandler: requestHandler(TOOLS), ...inRegion(region) });
  rememberRequests(client);
  const mappings: MappingShape[] = [];
  try {
    const pages = paginateListEventSourceMappings({ client }, { EventSourceArn: streamArn });
    for await (const { EventSourceMappings = [] } of pages) {
      for (const mapping of EventSourceMappings) {
        const { FilterCriteria, FilterCriteriaError } = mapping;
        mappings.push({
          functionName: mapping.FunctionArn?.split(":")[6] ?? "unknown",
          state: mapping.State ?? "unknown",
          lastResult: mapping.LastProcessingResult,
          startingPosition: mapping.StartingPosition,
          reportsBatchItemFailures:
            mapping.FunctionResponseTypes?.includes("ReportBatchItemFailures") ?? false,
          hasFailureQueue: mapping.DestinationConfig?.OnFailure?.Destination !== undefined,
          // Criteria that are encrypted and cannot be read come as an error, instead of them.
          hasFilter: (FilterCriteria?.Filters ?? []).length > 0 || FilterCriteriaError !== undefined,
          batchWindowSeconds: mapping.MaximumBatchingWindowInSeconds ?? 0,
        });
      }
    }
    return mappings;
  } finally {
    client.destroy();
  }
}
