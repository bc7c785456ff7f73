import type { MappingShape } from "../../aws/lambda-mappings.ts";
import { ago } from "../support/ago.ts";
import type { ActiveRelay } from "./active-relay.ts";
import { type Check, fail, ok, warning } from "./check.ts";

const NAME = "event source mapping";
const DEPLOY = "Deploy again, which sets what is needed: docs/deploy.md";

/** A relay notes once a minute that it has read everything, within the minute before; and clocks differ. Milliseconds. */
const BEHIND_MS = 300_000;

/** A relay that is active does the function's work, unless it is held up: its lease alone says nothing of that. */
export function checkRelay({ token, behindMs = 0, otherStream }: ActiveRelay): Check {
  const [, host = "unknown", pid = "unknown"] = token.split(" ");
  if (otherStream !== undefined) {
    return fail(
      NAME,
      `the relay of this prefix reads ${otherStream}, on ${host}, pid ${pid}: no relay reads this table's stream while it does`,
      "Give each table an APP_SYNC_PREFIX of its own, for its relays and nodes. After a stream was turned off and on, check again.",
    );
  }
  if (behindMs > BEHIND_MS) {
    return fail(
      NAME,
      `a relay reads the stream, on ${host}, pid ${pid}, and last reached its end ${ago(behindMs)}`,
      "Its /health and log say what holds it up: docs/relay.md",
    );
  }
  return ok(NAME, `not needed: a relay reads the stream, on ${host}, pid ${pid}`);
}

/**
 * Whether somebody reads the table's stream, and as the promises need it.
 *
 * @param relay the active one, when there is one.
 */
export function checkMappings(mappings: readonly MappingShape[], relay?: ActiveRelay): Check[] {
  if (relay?.otherStream !== undefined) {
    return [...(mappings.length === 0 ? [] : checkMappings(mappings)), checkRelay(relay)];
  }
  if (relay !== undefined) {
    const reading = mappings
      .filter(({ state }) => state === "Enabled")
      .map(({ functionName }) => functionName);
    if (reading.length === 0) return [checkRelay(relay)];
    const found = `${reading.join(", ")} and a relay read the stream: every change is published twice`;
    return [warning(NAME, found, "Stop the relay, or disable the mapping: docs/relay.md")];
  }
  if (mappings.length === 0) {
    return [
      fail(
        NAME,
        "no function reads the stream",
        "Start a relay (docs/relay.md), or deploy the pipeline with this stream's ARN. A stream that was turned off and on has another ARN: docs/deploy.md",
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
      `${functionName}: it is disabled`,
      "Enable it: aws lambda update-event-source-mapping --enabled",
    );
  }
  if (state !== "Enabled")
    return warning(NAME, `${functionName}: ${state.toLowerCase()}`, "Wait until it is enabled.");
  // "No records processed" is AWS's word for a table in which nothing has changed.
  if (lastResult !== undefined && !/^(OK|No records processed)/i.test(lastResult)) {
    return fail(NAME, `${functionName}: ${lastResult}`, "Check the function's log: docs/reference/alarms.md");
  }
  const missing = [
    ...(mapping.reportsBatchItemFailures
      ? []
      : ["ReportBatchItemFailures is off: failed batches count as done"]),
    ...(mapping.hasFailureQueue ? [] : ["it has no failure queue: what keeps failing is lost"]),
    ...(mapping.startingPosition === "TRIM_HORIZON"
      ? []
      : ["it does not start at TRIM_HORIZON: it may skip changes"]),
    ...(mapping.hasFilter ? ["it has a filter: changes that do not pass it reach no node"] : []),
    ...(mapping.batchWindowSeconds > 0
      ? [`its batch window is ${mapping.batchWindowSeconds} s: changes wait that long`]
      : []),
  ];
  if (missing.length > 0) return warning(NAME, `${functionName}: ${missing.join("; ")}`, DEPLOY);
  return ok(
    NAME,
    `${functionName}, enabled${lastResult === undefined ? "" : `, last result: ${lastResult}`}`,
  );
}
