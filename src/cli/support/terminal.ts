import { createInterface } from "node:readline/promises";
import { SingleBar } from "cli-progress";
import Table from "cli-table3";
import picocolors from "picocolors";
import stringWidth from "string-width";
import { InterruptedError } from "./errors.ts";

/** Colors, which are nothing but the text where nobody sees them. */
export type Colors = Pick<
  ReturnType<typeof picocolors.createColors>,
  "bold" | "dim" | "green" | "yellow" | "red" | "cyan"
>;

/** Where a command's result goes: people read tables and lines, scripts read JSON on standard output. */
export interface Terminal {
  /** Whether `--json` was given. */
  readonly json: boolean;
  readonly colors: Colors;
  /** The result, for scripts; lines of JSON when it is called more than once. Nothing without `--json`. */
  value(value: unknown): void;
  /** A line for people. Nothing with `--json`. */
  print(line?: string): void;
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;
  /** A table whose rows come bit by bit: columns are as wide as what has come so far. */
  growingTable(head: readonly string[]): GrowingTable;
  /** Resolves when the reader has taken the result so far. What is written without waiting piles up in memory. */
  drained(): Promise<void>;
  /** Resolves when all of the result so far is written; rejects when some of it was lost: for what is nowhere else to be read. */
  delivered(): Promise<void>;
  /** A line about the work itself, beside the result: on standard error, also with `--json`. */
  note(line: string): void;
  /** A bar on standard error while it is a terminal. `total` may be an estimate. */
  progress(what: string, total: number): Progress;
  /** Asks a yes-or-no question. False when nobody is there to answer. Rejects with InterruptedError on Ctrl-C. */
  confirm(question: string): Promise<boolean>;
}

export interface GrowingTable {
  add(rows: readonly (readonly string[])[]): void;
}

export interface Progress {
  to(done: number): void;
  end(): void;
}

export function openTerminal(json: boolean, { stdin, stdout, stderr } = process): Terminal {
  const colors = picocolors.createColors(isTerminal(stdout) && picocolors.isColorSupported);
  const output = openOutput(stdout);
  const terminal: Terminal = {
    json,
    colors,
    value(value) {
      if (json) output.write(`${harmlessJson(value)}\n`);
    },
    print(line = "") {
      if (!json) output.write(`${harmless(line)}\n`);
    },
    table(head, rows) {
      terminal.print(renderTable(head, rows, colors));
    },
    growingTable: (head) => growingTable(head, colors, (line) => terminal.print(line)),
    drained: () => drained(stdout),
    delivered: () => output.delivered(),
    note(line) {
      stderr.write(`${harmless(line)}\n`);
    },
    progress(what, total) {
      const bar = new SingleBar({
        stream: stderr,
        format: `${what} [{bar}] {percentage}% {value}/{total} {duration_formatted}`,
        barsize: 30,
        hideCursor: true,
        clearOnComplete: true,
        // Without a terminal there is nothing to draw on.
        noTTYOutput: false,
      });
      bar.start(Math.max(1, total), 0);
      return {
        to(done) {
          if (done > bar.getTotal()) bar.setTotal(done);
          bar.update(done);
        },
        end() {
          bar.stop();
        },
      };
    },
    async confirm(question) {
      if (!stdin.isTTY || !stderr.isTTY) return false;
      const lines = createInterface({ input: stdin, output: stderr });
      try {
        return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
      } catch (error) {
        if ((error as Error).name !== "AbortError") throw error;
        stderr.write("\n");
        throw new InterruptedError("interrupted, nothing was done", { cause: error });
      } finally {
        lines.close();
      }
    },
  };
  return terminal;
}

/** Writes, and remembers what was lost. */
function openOutput(stdout: NodeJS.WriteStream): Pick<Terminal, "delivered"> & { write(text: string): void } {
  let lost: Error | undefined;
  return {
    write(text) {
      stdout.write(text, (error) => {
        lost ??= error ?? undefined;
      });
    },
    delivered: () =>
      new Promise((resolve, reject) => {
        // It comes after all that was written before.
        stdout.write("", () => (lost ? reject(lost) : resolve()));
      }),
  };
}

/** A pipe has no `isTTY` at all; undefined would let picocolors decide, which colors pipes when `CI` is set. */
function isTerminal(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true;
}

/**
 * What Redis and the table hold was written by others: it must not move the cursor, set the title or answer for the
 * user, nor be hidden. Colors that are used here stay, line breaks and tabs too.
 */
function harmless(text: string): string {
  return text.replace(
    /\u001b\[(?:1|2|22|31|32|33|36|39)m|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (found) => (found.length > 1 ? found : "\ufffd"),
  );
}

/** JSON escapes none of the control characters from DEL on. */
function harmlessJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f]/g,
    (found) => `\\u00${found.charCodeAt(0).toString(16)}`,
  );
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (!stream.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.once("drain", done);
    // A reader that has gone takes nothing more.
    stream.once("close", done);
  });
}

/** cli-table3 has to have all rows at once, and takes 0.2 ms for each: these may be a hundred thousand. */
function growingTable(head: readonly string[], colors: Colors, print: (line: string) => void): GrowingTable {
  const widths: number[] = [];
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - stringWidth(cell)))
      .join("  ")
      .trimEnd();
  let isBegun = false;
  return {
    add(rows) {
      const all = isBegun ? rows : [head.map((text) => colors.bold(text)), ...rows];
      isBegun = true;
      for (const row of all) {
        row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, stringWidth(cell))));
      }
      if (all.length > 0) print(all.map(line).join("\n"));
    },
  };
}

/** Columns with two spaces between: what people and `awk` can read. */
function renderTable(head: readonly string[], rows: readonly (readonly string[])[], colors: Colors): string {
  const none = [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
  ];
  const lines = ["left", "left-mid", "mid", "mid-mid", "right", "right-mid"];
  const table = new Table({
    head: head.map((text) => colors.bold(text)),
    chars: { ...Object.fromEntries([...none, ...lines].map((name) => [name, ""])), middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
