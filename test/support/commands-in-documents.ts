import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Every document but the history. */
export const DOCUMENTS: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`),
];

export interface DocumentedCommand {
  readonly document: string;
  /** Its words, with a space between; `…` for what stands for something of the user's. */
  readonly command: string;
}

/** A code span is a command when it begins like this, and goes on. */
const INLINE = /^(?:npx|npm|soketi-app-sync|redis-cli|aws|git|docker|kubectl)\s+\S/;

/** Each `sh` block of each document, as it stands. */
export function shellBlocks(): { readonly document: string; readonly text: string }[] {
  return DOCUMENTS.flatMap((document) =>
    [...read(document).matchAll(/^```sh\n([^]*?)^```/gm)].map(([, text = ""]) => ({ document, text })),
  );
}

/** Every command of the `sh` blocks and of the code spans in the text. */
export function documentedCommands(): DocumentedCommand[] {
  const blocks = shellBlocks().flatMap(({ document, text }) =>
    linesOf(text).flatMap((line) => commandsOf(line).map((command) => ({ document, command }))),
  );
  const spans = DOCUMENTS.flatMap((document) => {
    const prose = read(document).replace(/^```[^]*?^```/gm, "");
    return [...prose.matchAll(/`([^`]+)`/g)]
      .map(([, span = ""]) => span.replace(/\s+/g, " "))
      .filter((span) => INLINE.test(span))
      .flatMap((span) => commandsOf(span).map((command) => ({ document, command })));
  });
  return [...blocks, ...spans];
}

function read(document: string): string {
  return readFileSync(join(root, document), "utf8");
}

function linesOf(block: string): string[] {
  return block.replace(/\\\n\s*/g, "").split("\n");
}

/** The words of a line, a quoted one as it is; a comment ends it. */
function wordsOf(line: string): string[] {
  const words = line.match(/(?:"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s"'])+/g) ?? [];
  const comment = words.findIndex((word) => word.startsWith("#"));
  return comment < 0 ? words : words.slice(0, comment);
}

function commandsOf(line: string): string[] {
  const commands: string[][] = [[]];
  // A command in `$(…)` counts as one, too.
  const inner = [...line.matchAll(/^\s*\w+=\$\((.*)\)$/g)].flatMap(([, text = ""]) => commandsOf(text));
  for (const word of wordsOf(line.replaceAll(/<[^<>]+>/g, "…"))) {
    if (["&&", "||", "|", ";", "do"].includes(word)) commands.push([]);
    else commands.at(-1)?.push(word);
  }
  return [...inner, ...commands.map(normalized).filter((command) => command !== "")];
}

/** Variables in front of a command are no part of it; a line of them alone is a setting, and no command. */
function normalized(words: readonly string[]): string {
  const first = words.findIndex((word) => !/^\w+=/.test(word));
  if (first < 0 || ["for", "done"].includes(words[first] ?? "")) return "";
  return words
    .slice(first)
    .filter((word, i) => !(i === 0 && word === "npx" && words[first + 1] === "soketi-app-sync"))
    .map(withoutValue)
    .join(" ");
}

function withoutValue(word: string): string {
  const parameter = /^--param="?(\w+)=/.exec(word);
  if (parameter) return `--param=${parameter[1] ?? ""}`;
  return /[…$\s]|^['"]/.test(word) ? "…" : word;
}
