import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { toDynamoDbJson } from "./dynamodb-json.ts";
import type { Attributes, RawItem } from "./raw-item.ts";

/** Text that is the same for equal items: DynamoDB keeps no order of attributes and of sets, and writes numbers in its own way. */
export function canonicalText(item: RawItem): string {
  return JSON.stringify(canonical(mapJson(item)));
}

/** Whether an item has attributes as given; undefined of one that it has not. */
export function hasAttributes(item: RawItem, attributes: Attributes): boolean {
  return Object.entries(attributes).every(([name, value]) => isSame(item[name], value));
}

function isSame(one: AttributeValue | undefined, other: AttributeValue | undefined): boolean {
  if (!one || !other) return one === other;
  return canonicalText({ value: one }) === canonicalText({ value: other });
}

function mapJson(item: RawItem): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, toDynamoDbJson(value)]));
}

function canonical(json: unknown, type = ""): unknown {
  if (Array.isArray(json)) {
    const list = json.map((element) => canonical(element, type === "NS" ? "N" : ""));
    return /^(S|N|B)S$/.test(type) ? list.map(String).sort() : list;
  }
  if (typeof json === "object" && json !== null) {
    const entries = Object.entries(json).map(([name, value]) => [name, canonical(value, name)] as const);
    return entries.sort(([a], [b]) => (a < b ? -1 : 1));
  }
  return type === "N" && typeof json === "string" && /^-?[\d.]{1,15}$/.test(json)
    ? String(Number(json))
    : json;
}
