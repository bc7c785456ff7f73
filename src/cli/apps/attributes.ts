import type { Attributes, RawItem } from "../../aws/raw-item.ts";
import { FLAGS, LIMITS } from "../../app/app.ts";
import { UsageError } from "../support/errors.ts";

const FLAG_NAMES: ReadonlySet<string> = new Set(FLAGS.map(({ attribute }) => attribute));
const LIMIT_NAMES: ReadonlySet<string> = new Set(LIMITS.map(({ attribute }) => attribute));
const OTHERS: ReadonlySet<string> = new Set(["AppKey", "AppSecret", "Webhooks"]);

/**
 * `--set Name=value` and `--unset Name` as attribute values, each in its one spelling: docs/reference/items.md.
 *
 * @throws UsageError for a name that soketi does not know, or that is given twice, and a value that is none of its type.
 */
export function parseAttributes(sets: readonly string[], unsets: readonly string[]): Attributes {
  const attributes: Record<string, RawItem[string] | undefined> = {};
  for (const text of sets) {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`--set: expected Name=value, found "${text.slice(0, 40)}"`);
    const name = text.slice(0, at);
    attributes[known("--set", name, attributes)] = valueOf(name, text.slice(at + 1));
  }
  for (const name of unsets) attributes[known("--unset", name, attributes)] = undefined;
  return attributes;
}

function known(option: string, name: string, before: Attributes): string {
  if (Object.hasOwn(before, name))
    throw new UsageError(`${option}: expected each name once, found ${name} again`);
  if (FLAG_NAMES.has(name) || LIMIT_NAMES.has(name) || OTHERS.has(name)) return name;
  throw new UsageError(
    `${option}: expected one of ${[...OTHERS, ...FLAG_NAMES, ...LIMIT_NAMES].join(", ")}; found "${name.slice(0, 40)}"`,
  );
}

function valueOf(name: string, text: string): RawItem[string] {
  if (FLAG_NAMES.has(name)) {
    if (text === "true" || text === "false") return { BOOL: text === "true" };
    throw new UsageError(`${name}: expected true or false, found "${text.slice(0, 40)}"`);
  }
  if (!LIMIT_NAMES.has(name)) return { S: text };
  if (/^-?\d+(\.\d+)?$/.test(text)) return { N: text };
  throw new UsageError(`${name}: expected a number, found "${text.slice(0, 40)}"`);
}
