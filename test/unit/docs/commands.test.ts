import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { normalize } from "../../../src/app/normalize.ts";
import { documentedCommands, shellBlocks } from "../../support/commands-in-documents.ts";
import { DOCUMENTED_COMMANDS, type Proof } from "../../support/documented-commands.ts";
import { root } from "../../support/fleet.ts";

const read = (file: string) => readFileSync(join(root, file), "utf8");
const require = createRequire(import.meta.url);
const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
const { PARAMETERS } = require("../../../deploy/parameters.cjs") as { PARAMETERS: Record<string, unknown> };

const documented = documentedCommands();
const rows = Object.entries(DOCUMENTED_COMMANDS);
const provenBy = <B extends Proof["by"]>(by: B) =>
  rows.filter((row): row is [string, Extract<Proof, { by: B }>] => row[1].by === by);

describe("commands in documents", () => {
  it("have each a row that says how they are tried", () => {
    expect(documented.length).toBeGreaterThan(60);
    const missing = documented.filter(({ command }) => !(command in DOCUMENTED_COMMANDS));
    expect(missing.map(({ document, command }) => `${document}: ${command}`)).toEqual([]);
  });

  it("are all in a document: no row is of one that is gone", () => {
    const commands = new Set(documented.map(({ command }) => command));
    expect(Object.keys(DOCUMENTED_COMMANDS).filter((command) => !commands.has(command))).toEqual([]);
  });

  it.each(shellBlocks().map(({ document, text }, i) => [document, i, text] as const))("%s: the shell can read block %i", (_, __, text) => {
    const { stderr, status } = spawnSync("bash", ["-n"], {
      // What stands for something of the user's is no redirection.
      input: text.replaceAll(/<[^<>\n]+>/g, "X"),
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
  });

  it.each(provenBy("ci"))("%s is a step of the gate", (command) => {
    const steps = read(".ci/run").replaceAll(" --silent", "").split("\n");
    expect(steps.some((line) => /^(step|beside|on_node_24) /.test(line) && line.includes(command))).toBe(true);
  });

  it.each(provenBy("test"))("%s is run by a file that has its words", (_, { file, words }) => {
    expect(existsSync(join(root, file))).toBe(true);
    const text = read(file);
    expect(words.filter((word) => !text.includes(word))).toEqual([]);
  });

  it.each(provenBy("script"))("%s is a script whose file has these options", (command) => {
    const [, name = "", options = ""] = /^npm run (\S+)(?: -- (.*))?$/.exec(command) ?? [];
    const text = scripts[name] ?? "";
    expect(text).not.toBe("");
    const [file] = /\S+\.ts/.exec(text) ?? [];
    if (file !== undefined) expect(existsSync(join(root, file))).toBe(true);
    for (const [, option = ""] of options.matchAll(/--([\w-]+)/g)) {
      expect(read(file ?? ""), option).toMatch(new RegExp(`^ +"?${option}"?: \\{ type:`, "m"));
    }
  });

  it("deploy with parameters that there are", () => {
    const names = documented.flatMap(({ command }) => [...command.matchAll(/--param=(\w+)/g)].map(([, name = ""]) => name));
    expect(names.length).toBeGreaterThan(7);
    expect(names.filter((name) => !(name in PARAMETERS))).toEqual([]);
  });

  it("name files of this repository that are there", () => {
    const words = documented.flatMap(({ command }) => command.split(" "));
    const files = words.filter((word) => /^(docs|test|src)\//.test(word));
    expect(files.length).toBeGreaterThan(1);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it("put an item that has no problem", () => {
    const [, json = ""] = /aws dynamodb put-item[^']*'([^']+)'/.exec(read("docs/deploy.md")) ?? [];
    expect(normalize(JSON.parse(json) as object)).toMatchObject({ app: { id: "acme" }, problems: [] });
  });
});

describe("documents that name their tests", () => {
  it.each(["docs/security.md", "docs/reliability.md", "CONTRIBUTING.md"])("%s: each is there", (document) => {
    const files = [...read(document).matchAll(/`((?:test|src|bench|handlers)\/[\w/.-]+)`/g)].map(([, file = ""]) => file);
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});
