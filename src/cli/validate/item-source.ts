import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { UsageError } from "../support/errors.ts";

/** Items as attribute maps, wherever they come from. */
export type Item = Readonly<Record<string, unknown>>;

const EXPECTED =
  'DynamoDB JSON: {"Items":[…]} of `aws dynamodb scan`, a list of items, or one item on each line';

/**
 * The items of a file: what `aws dynamodb scan` prints, a JSON list, or a line for each as in DynamoDB's exports to S3; with
 * gzip when its name ends in .gz. Lines are read one after the other, however large the file is.
 *
 * @throws UsageError naming the line that is something else.
 */
export async function* readItems(file: string): AsyncIterable<readonly Item[]> {
  const stream = createReadStream(file);
  const input = file.endsWith(".gz") ? stream.pipe(createGunzip()) : stream;
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line.trim() === "") continue;
    const value = parse(line);
    if (value === undefined && number === 1 && !file.endsWith(".gz")) {
      // Spread over lines, it is one value.
      yield itemsOf(parse(await readFile(file, "utf8")), file);
      return;
    }
    yield itemsOf(value, `line ${number} of ${file}`);
  }
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
