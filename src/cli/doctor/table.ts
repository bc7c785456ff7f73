import type { TableShape } from "../../aws/describe-table.ts";
import { type Check, fail, ok, skipped, warning } from "./check.ts";

const REMAKE = "it cannot be changed: create a table as in docs/deploy.md, and copy the items";
const INDEX = "Create AppKeyIndex on AppKey (S) with projection ALL: docs/deploy.md";

/** Whether soketi and the pipeline can work with a table. Undefined: there is none. */
export function checkTable(table: string, shape: TableShape | undefined): Check[] {
  if (!shape) {
    return [
      fail(
        "table",
        `there is no table ${table}`,
        "Set --table, --region or --endpoint, or deploy: docs/deploy.md",
      ),
    ];
  }
  const { status, items } = shape;
  return [
    status === "ACTIVE" || status === "UPDATING"
      ? ok("table", `${table}, ${status.toLowerCase()}, about ${items} items`)
      : warning("table", `${table} is ${status.toLowerCase()}`, "Wait until it is active."),
    checkKey(shape),
    ...checkIndex(shape),
    ...checkStream(shape),
  ];
}

function checkKey({ key }: TableShape): Check {
  return key === "AppId S HASH"
    ? ok("key schema", "AppId (S)")
    : fail(
        "key schema",
        `expected AppId (S) alone, found ${key}`,
        `soketi reads apps by AppId alone; ${REMAKE}.`,
      );
}

function checkIndex({ index }: TableShape): Check[] {
  if (!index) {
    return [
      fail(
        "index",
        "expected AppKeyIndex, found none",
        `No client can connect: soketi finds apps by key there. ${INDEX}.`,
      ),
    ];
  }
  const { key, status, projection } = index;
  return [
    key === "AppKey S HASH"
      ? ok("index", `AppKeyIndex on AppKey (S), ${status.toLowerCase()}`)
      : fail("index", `expected AppKeyIndex on AppKey (S) alone, found ${key}`, `Delete it. ${INDEX}.`),
    projection === "ALL"
      ? ok("projection", "ALL")
      : fail(
          "projection",
          `expected ALL, found ${projection}`,
          `soketi alone would run apps without their secrets and limits. Delete the index. ${INDEX}.`,
        ),
    ...(status === "ACTIVE"
      ? []
      : [warning("index status", `AppKeyIndex is ${status.toLowerCase()}`, "Wait until it is active.")]),
  ];
}

function checkStream({ streamArn, viewType }: TableShape): Check[] {
  if (streamArn === undefined) {
    return [
      fail(
        "stream",
        "the stream is off",
        "No change reaches the pipeline. Turn it on with NEW_AND_OLD_IMAGES, then deploy with its ARN: docs/deploy.md",
      ),
      skipped("view type", "no stream"),
    ];
  }
  return [
    ok("stream", streamArn),
    viewType === "NEW_AND_OLD_IMAGES"
      ? ok("view type", viewType)
      : fail(
          "view type",
          `expected NEW_AND_OLD_IMAGES, found ${viewType ?? "none"}`,
          "Without both images the pipeline cannot tell what has changed. Turn the stream off and on again with " +
            "NEW_AND_OLD_IMAGES, then deploy with its new ARN: docs/deploy.md",
        ),
  ];
}
