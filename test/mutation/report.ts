/**
 * The end of `npm run mutate`: what Stryker found, as a table in docs/reference/test-results.md and a list of survivors with their reasons in
 * test/mutation/survivors.md. Exit code 1 when fewer than 95 % were caught, or a survivor has no reason.
 */
import { readFileSync } from "node:fs";
import { writeInto } from "../../bench/document.ts";
import { reasonFor, unusedReasons } from "./survivors.ts";

interface Mutant {
  readonly mutatorName: string;
  readonly replacement: string;
  readonly status:
    "Killed" | "Timeout" | "Survived" | "NoCoverage" | "CompileError" | "RuntimeError" | "Ignored";
  readonly location: { readonly start: Place; readonly end: Place };
}

/** Both count from 1. */
interface Place {
  readonly line: number;
  readonly column: number;
}

interface SourceFile {
  readonly source: string;
  readonly mutants: readonly Mutant[];
}

const WANTED = 95;

const { files } = JSON.parse(
  readFileSync(new URL("../../reports/mutation.json", import.meta.url), "utf8"),
) as { files: Record<string, SourceFile> };
const all = Object.entries(files).flatMap(([file, { source, mutants }]) =>
  mutants.map((mutant) => ({ file, source, mutant })),
);
const isCaught = ({ mutant: { status } }: (typeof all)[number]) =>
  status === "Killed" || status === "Timeout";
const isLeft = ({ mutant: { status } }: (typeof all)[number]) =>
  status === "Survived" || status === "NoCoverage";

function score(part: typeof all): string {
  const [caught, left] = [part.filter(isCaught).length, part.filter(isLeft).length];
  return ((100 * caught) / (caught + left)).toFixed(1);
}

const folders = ["src/app", "src/protocol", "src/agent", "src"];
const rows = folders.map((folder) => {
  const part = all.filter(({ file }) => file.startsWith(`${folder}/`));
  const name = folder === "src" ? "together" : `\`${folder}\``;
  return `| ${name} | ${part.length} | ${part.filter(isCaught).length} | ${part.filter(isLeft).length} | ${score(part)} % |`;
});
writeInto(
  "docs/reference/test-results.md",
  "mutate",
  ["| | changes made | noticed | not noticed | score |", "|---|---|---|---|---|", ...rows].join("\n"),
);

/** What the mutant replaces. */
function original({ source, mutant: { location } }: (typeof all)[number]): string {
  const { start, end } = location;
  const lines = source.split("\n").slice(start.line - 1, end.line);
  const last = lines.length - 1;
  lines[last] = (lines[last] ?? "").slice(0, end.column - 1);
  lines[0] = (lines[0] ?? "").slice(start.column - 1);
  return lines.join("\n");
}

const survivors = all.filter(isLeft).map((one) => {
  const { file, mutant } = one;
  const change = { file, from: original(one), to: mutant.replacement, mutator: mutant.mutatorName };
  return { ...change, line: mutant.location.start.line, reason: reasonFor(change) };
});
const code = (text: string) =>
  `\`${text.replace(/\s+/g, " ").replaceAll("|", "\\|").replaceAll("`", "'").slice(0, 90)}\``;
writeInto(
  "test/mutation/survivors.md",
  "mutate",
  [
    "| where | was | became | why no test notices |",
    "|---|---|---|---|",
    ...survivors.map(
      ({ file, line, from, to, reason }) =>
        `| ${file}:${line} | ${code(from)} | ${code(to)} | ${reason ?? "**no reason**"} |`,
    ),
  ].join("\n"),
);

const unexplained = survivors.filter(({ reason }) => reason === undefined);
for (const { file, line, from, to } of unexplained) console.log(`${file}:${line}: ${from} -> ${to}`);
for (const unused of unusedReasons(survivors)) console.log(`a reason that is not needed any more: ${unused}`);
console.log(
  `${score(all)} % of ${all.length} mutants caught; ${unexplained.length} survivors without a reason`,
);
process.exit(Number(score(all)) >= WANTED && unexplained.length === 0 ? 0 : 1);
