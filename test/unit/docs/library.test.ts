import { readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import * as library from "../../../src/library/index.ts";

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
const text = read("docs/library.md");

/** Names of the members of an interface, as its source has them. */
function membersOf(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest);
  const found = source.statements.filter(ts.isInterfaceDeclaration).find((one) => one.name.text === name);
  return (found?.members ?? []).flatMap((member) =>
    member.name && ts.isIdentifier(member.name) ? [member.name.text] : [],
  );
}

/** First cells of the table below a heading. */
function rowsBelow(heading: string): string[] {
  const [, section = ""] = text.split(`\n## ${heading}\n`);
  const [table = ""] = section.split(/\n## /);
  return [...table.matchAll(/^\| `(\w+)/gm)].map(([, name = ""]) => name);
}

describe("docs/library.md", () => {
  it("has every option of follow and openApps, and no other", () => {
    const options = [
      ...membersOf("src/library/settings.ts", "LinkOptions"),
      ...membersOf("src/library/settings.ts", "CacheOptions"),
      "dynamodb",
    ];
    expect(membersOf("src/library/apps.ts", "AppsOptions")).toEqual(["dynamodb", "onProblems"]);
    expect(rowsBelow("Options").sort()).toEqual(options.sort());
  });

  it("has every event of a follower, and no other", () => {
    expect(rowsBelow("follow").sort()).toEqual(membersOf("src/library/events.ts", "FollowEvents").sort());
  });

  it("has every error that the library exports, with its code, and no other", () => {
    const errors = Object.keys(library).filter((name) => name.endsWith("Error"));
    expect(rowsBelow("Errors").sort()).toEqual(errors.sort());
  });

  it("names everything else that the library exports", () => {
    const others = Object.keys(library).filter((name) => !name.endsWith("Error"));
    expect(others.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});
