import { createHash } from "node:crypto";
import { canonicalText } from "../../aws/canonical-value.ts";
import { fromDynamoDbJson, isDynamoDbJson, toDynamoDbJson } from "../../aws/dynamodb-json.ts";
import type { RawItem } from "../../aws/raw-item.ts";
import { UsageError } from "../support/errors.ts";
import { readLines } from "../support/files.ts";

/** An item of an export, and what it was when it was exported. */
export interface ExportedItem {
  readonly item: RawItem;
  /** The digest of the item as the table had it; undefined in files of other makers, such as DynamoDB's exports to S3. */
  readonly exported: string | undefined;
}

/** Written by DynamoDB itself into tables of its first global version: nobody else may. */
const REPLICATION = "aws:rep:";

/** The attributes that are ours to write. */
export function ownAttributes(item: RawItem): RawItem {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !name.startsWith(REPLICATION)));
}

/** What an item is, whatever the order of its attributes and sets. */
export function digestOf(item: RawItem): string {
  return createHash("sha256")
    .update(canonicalText(ownAttributes(item)))
    .digest("hex");
}

/** A line of an export. `digest` is that of the state from which an import may go on. */
export function lineOf(item: RawItem, digest = digestOf(item)): string {
  return `${JSON.stringify({ Item: jsonOf(item), exported: digest })}\n`;
}

/**
 * The items of an export, one after the other, however many there are; with gzip when its name ends in .gz.
 *
 * @throws UsageError naming the line that is something else.
 */
export async function* readExport(file: string): AsyncIterable<ExportedItem> {
  let number = 0;
  for await (const line of readLines(file)) {
    number += 1;
    if (line.trim() !== "") yield parseLine(line, `line ${number} of ${file}`);
  }
}

function parseLine(line: string, where: string): ExportedItem {
  const expected = '{"Item":{"AppId":{"S":"…"},…}}, as apps export writes it';
  let value: { readonly Item?: unknown; readonly exported?: unknown };
  try {
    value = (JSON.parse(line) ?? {}) as typeof value;
  } catch (error) {
    throw new UsageError(`expected ${expected}; found no JSON in ${where}`, { cause: error });
  }
  const { Item, exported } = value;
  if (typeof Item !== "object" || Item === null || Array.isArray(Item)) {
    throw new UsageError(`expected ${expected}; found something else in ${where}`);
  }
  const attributes = Object.entries(Item).filter(([name]) => !name.startsWith(REPLICATION));
  const wrong = attributes.find(([, attribute]) => !isDynamoDbJson(attribute));
  if (wrong) {
    throw new UsageError(
      `expected attribute values as {"S":"…"}; found something else for ${wrong[0]} in ${where}`,
    );
  }
  const item: RawItem = Object.fromEntries(attributes.map(([name, json]) => [name, fromDynamoDbJson(json)]));
  if (item.AppId?.S === undefined || item.AppId.S === "") {
    throw new UsageError(`expected an AppId of the type S; found none in ${where}`);
  }
  return { item, exported: typeof exported === "string" ? exported : undefined };
}

function jsonOf(item: RawItem): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(ownAttributes(item)).map(([name, value]) => [name, toDynamoDbJson(value)]),
  );
}
