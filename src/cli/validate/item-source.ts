import { UsageError } from "../support/errors.ts";
import { readLines } from "../support/files.ts";
import type { Item } from "../support/findings.ts";

const EXPECTED =
  'DynamoDB JSON: {"Items":[…]} of `aws dynamodb scan`, a list of items, or one item on each line';

/**
 * The items of a file: what `aws dynamodb scan` prints, a JSON list, or a line for each as in DynamoDB's exports to S3; with
 * gzip when its name ends in .gz. Lines are read one after the other, however large the file is.
 *
 * @throws UsageError naming the line that is something else.
 */
export async function* readItems(file: string): AsyncIterable<readonly Item[]> {
  let number = 0;
  let isEmpty = true;
  /** Of one value that is spread over lines. */
  let spread: string[] | undefined;
  for await (const line of readLines(file)) {
    number += 1;
    if (spread) {
      spread.push(line);
      continue;
    }
    if (line.trim() === "") continue;
    const isFirst = isEmpty;
    isEmpty = false;
    const value = parse(line);
    if (value === undefined && isFirst) {
      spread = [line];
      continue;
    }
    yield itemsOf(value, `line ${number} of ${file}`);
  }
  if (spread) yield itemsOf(parse(spread.join("\n")), file);
  // Not "none with problems".
  if (isEmpty) throw new UsageError(`expected ${EXPECTED}; found nothing in ${file}`);
}

function itemsOf(value: unknown, where: string): readonly Item[] {
  const { Items, Item } = (value ?? {}) as { Items?: unknown; Item?: unknown };
  const list = Array.isArray(value) ? value : (Items ?? [Item ?? value]);
  if (Array.isArray(list) && list.every((item) => typeof item === "object" && item !== null)) {
    return list as Item[];
  }
  throw new UsageError(`expected ${EXPECTED}; found something else in ${where}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
