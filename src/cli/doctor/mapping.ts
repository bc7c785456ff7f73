import type { MappingShape } from "../../aws/lambda-mappings.ts";
import { type Check, fail, ok, warning } from "./check.ts";

const NAME = "event source mapping";
const DEPLOY = "Deploy again: it sets what is needed. docs/deploy.md";

/** Whether somebody reads the table's stream, and as the promises need it. */
export function checkMappings(mappings: readonly MappingShape[]): Check[] {
  if (mappings.length === 0) {
    return [
      fail(
        NAME,
        "no function reads the stream",
        "Deploy the pipeline with this stream's ARN. A stream that was switched off and on has another ARN: docs/deploy.md",
      ),
    ];
  }
  return mappings.map(checkMapping);
}

function checkMapping(mapping: MappingShape): Check {
  const { functionName, state, lastResult } = mapping;
  if (state === "Disabled" || state === "Disabling") {
    return fail(
      NAME,
      `${functionName}: it is switched off`,
      "Switch it on: aws lambda update-event-source-mapping --enabled",
    );
  }
  if (state !== "Enabled")
    return warning(NAME, `${functionName}: ${state.toLowerCase()}`, "Wait until it is enabled.");
  // "No records processed" is AWS's word for a table in which nothing has changed.
  if (lastResult !== undefined && !/^(OK|No records processed)/i.test(lastResult)) {
    return fail(NAME, `${functionName}: ${lastResult}`, "Look at the function's log: docs/operations.md");
  }
  const missing = [
    ...(mapping.reportsBatchItemFailures
      ? []
      : ["ReportBatchItemFailures is off: a failed batch counts as done"]),
    ...(mapping.hasFailureQueue ? [] : ["it has no failure queue: what fails for long is lost"]),
    ...(mapping.startingPosition === "TRIM_HORIZON"
      ? []
      : ["it does not start at TRIM_HORIZON: it may skip changes"]),
  ];
  if (missing.length > 0) return warning(NAME, `${functionName}: ${missing.join("; ")}`, DEPLOY);
  return ok(
    NAME,
    `${functionName}, enabled${lastResult === undefined ? "" : `, last result: ${lastResult}`}`,
  );
}
