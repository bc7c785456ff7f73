import { fromDynamoDbJson, toDynamoDbJson } from "../../aws/dynamodb-json.ts";
import type { Attributes } from "../../aws/raw-item.ts";
import { UsageError } from "../support/errors.ts";
import { createPrivateFile, readText } from "../support/files.ts";

/** One item's attributes before and after it was rewritten; undefined for one that is not there. */
export interface Rewrite {
  readonly appId: string;
  readonly before: Attributes;
  readonly after: Attributes;
}

const HEADER = "soketi-app-sync backup 1";

/** A file of what is about to be rewritten, a line for each item. */
export interface Backup {
  /** Resolves when the lines are on the disk: only then may the items be written. */
  add(rewrites: readonly Rewrite[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Holds attributes of apps, which may be secret: nobody else may read it.
 *
 * @throws UsageError when the file exists.
 */
export async function createBackup(file: string, table: string): Promise<Backup> {
  const handle = await createPrivateFile(file, "--backup");
  const write = async (lines: readonly unknown[]) => {
    await handle.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await handle.datasync();
  };
  await write([{ file: HEADER, table, at: new Date().toISOString() }]);
  return {
    add: (rewrites) =>
      write(
        rewrites.map(({ appId, before, after }) => ({ appId, before: toJson(before), after: toJson(after) })),
      ),
    close: () => handle.close(),
  };
}

/**
 * Reads a backup, the last rewrite first. A last line that was cut short is left out: its item was not written.
 *
 * @throws UsageError when the file is something else, or of another table.
 */
export async function readBackup(file: string, table: string): Promise<Rewrite[]> {
  const lines = (await readText(file)).split("\n");
  // After the last line break: nothing, what a crash has cut short, or a line whose break an editor has taken away.
  if (!isWhole(lines.at(-1) ?? "")) lines.pop();
  const [head, ...rest] = lines.map((line, i) => parse(line, i + 1));
  if (head?.file !== HEADER) {
    throw new UsageError(`expected a backup of validate --fix in ${file}, found something else`);
  }
  if (head.table !== table) {
    throw new UsageError(
      `expected a backup of table ${table} in ${file}, found one of ${String(head.table)}: set --table`,
    );
  }
  return rest
    .map(({ appId, before, after }) => ({
      appId: String(appId),
      before: fromJson(before),
      after: fromJson(after),
    }))
    .reverse();

  function parse(line: string, number: number): Record<string, unknown> {
    try {
      return JSON.parse(line) as Record<string, unknown>;
    } catch (error) {
      throw new UsageError(`expected JSON in line ${number} of ${file}, found something else`, {
        cause: error,
      });
    }
  }
}

function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function toJson(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, value ? toDynamoDbJson(value) : null]),
  );
}

function fromJson(json: unknown): Attributes {
  return Object.fromEntries(
    Object.entries(json as Record<string, unknown>).map(([name, value]) => [
      name,
      value === null ? undefined : fromDynamoDbJson(value),
    ]),
  );
}
