import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { UsageError } from "./errors.ts";

/** Some editors and shells put it before UTF-8. */
const BYTE_ORDER_MARK = /^\ufeff/;

const UTF_16 = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/**
 * The lines of a text file, one after the other, however large it is; with gzip when its name ends in .gz.
 *
 * @throws UsageError for what is no text in UTF-8, and Node's errors of files.
 */
export async function* readLines(file: string): AsyncIterable<string> {
  await expectText(file);
  let isFirst = true;
  try {
    for await (const line of createInterface({ input: bytesOf(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      yield isFirst ? line.replace(BYTE_ORDER_MARK, "") : line;
      isFirst = false;
    }
  } catch (error) {
    throw gzipError(file, error);
  }
}

/** For what is read twice. @throws UsageError for a pipe, as `<(…)` is one; Node's errors of files. */
export async function expectFile(file: string): Promise<void> {
  if (!(await stat(file)).isFile())
    throw new UsageError(
      `expected a file ${file}, which is read twice, found something else: write it to a file first`,
    );
}

/** The whole of it. `-` is standard input. Throws as `readLines`. */
export async function readText(file: string): Promise<string> {
  if (file !== "-") await expectText(file);
  try {
    const whole = await text(file === "-" ? process.stdin : bytesOf(file));
    return whole.replace(BYTE_ORDER_MARK, "");
  } catch (error) {
    throw gzipError(file, error);
  }
}

/**
 * Makes a file that nobody else may read.
 *
 * @param option that names it, for the message.
 * @throws UsageError when it is there, its folder is not, or its name promises what it is not.
 */
export async function createPrivateFile(file: string, option: string): Promise<FileHandle> {
  refuseCompressed(file, option);
  try {
    return await open(file, "wx", 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST" && code !== "ENOENT") throw error;
    const why = code === "EEXIST" ? fileExists(file) : notCreated(file, "found no such folder");
    throw new UsageError(`${option}: ${why}`, { cause: error });
  }
}

/** Where replaced items of a table are kept, unless somebody says where: a new file for each run. */
export function defaultBackupFile(table: string): string {
  return `app-sync-backup-${table}-${new Date().toISOString().replace(/[:.]/g, "-")}.jsonl`;
}

/** Whatever reads it later would take it for gzip. @throws UsageError */
export function refuseCompressed(file: string, option: string): void {
  if (!isCompressed(file)) return;
  throw new UsageError(`${option}: expected a name without .gz, found ${file}: it is written as plain text`);
}

/** What is said of a file that is to be made, and is there. */
export function fileExists(file: string): string {
  return notCreated(file, "found that it exists: choose another");
}

function notCreated(file: string, found: string): string {
  return `expected to create the file ${file}, ${found}`;
}

function bytesOf(file: string): NodeJS.ReadableStream {
  const stream = createReadStream(file);
  if (!isCompressed(file)) return stream;
  const unzipped = createGunzip();
  stream.on("error", (error) => unzipped.destroy(error));
  return stream.pipe(unzipped);
}

const isCompressed = (file: string) => file.endsWith(".gz");

async function expectText(file: string): Promise<void> {
  const about = await stat(file);
  if (about.isDirectory()) throw new UsageError(`expected a file ${file}, found a folder`);
  // What is read from a pipe is not there a second time.
  if (isCompressed(file) || !about.isFile()) return;
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    if (!UTF_16.some((mark) => mark.equals(buffer))) return;
    throw new UsageError(
      `expected UTF-8 in ${file}, found UTF-16: write it again; in PowerShell with "| Out-File -Encoding utf8"`,
    );
  } finally {
    await handle.close();
  }
}

/** zlib's own words name no file. */
function gzipError(file: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code?.startsWith("Z_") !== true) return error;
  return new UsageError(`expected gzip in ${file}, found something else, or not all of it (${code})`, {
    cause: error,
  });
}
