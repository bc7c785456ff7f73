import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { DOCUMENTS } from "../../support/commands-in-documents.ts";
import { REASONS } from "../../mutation/survivors.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const read = (file: string) => readFileSync(join(root, file), "utf8");
/** Documents, and what is installed, built or written. */
const NOT_SOURCES = /^(\..*|docs|node_modules|dist|release|reports|coverage)$/;

const headingsOf = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .replace(/\s+/g, "-"),
  );

describe("a file that is named is there", () => {
  it.each(DOCUMENTS)("in %s", (file) => {
    const named = read(file).matchAll(/`((?:src|handlers|local|deploy|bench|test|docs)\/[\w./-]+)`/g);
    expect([...named].map(([, path = ""]) => path).filter((path) => !existsSync(join(root, path)))).toEqual(
      [],
    );
  });

  it("in CONTRIBUTING's two flows", () => {
    const named = [...read("CONTRIBUTING.md").matchAll(/ ([a-z]+\/[a-z-]+\.ts)(?=\s)/g)].map(
      ([, path = ""]) => `src/${path}`,
    );
    expect(named.length).toBeGreaterThan(6);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("in CONTRIBUTING, by its name alone", () => {
    const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
      .concat(readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" }))
      .map((file) => file.slice(file.lastIndexOf("/") + 1));
    const named = [...read("CONTRIBUTING.md").matchAll(/(?<!No )`([a-z-]+\.ts)`/g)].map(
      ([, name = ""]) => name,
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !files.includes(name))).toEqual([]);
  });

  it("in sources, when it is a document: its heading, too", () => {
    const folders = ["src", "handlers", "local", "deploy", "bench", "test", "docs/monitoring"];
    const files = folders.flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map(
        (file) => `${folder}/${file}`,
      ),
    );
    const named = [...files, "serverless.yml"]
      .filter((file) => /\.(?:[cm]?[jt]sx?|ya?ml|json)$/.test(file))
      .flatMap((file) => [...read(file).matchAll(/\b(docs\/[\w/-]+\.md)(?:#([\w-]+))?/g)])
      .map(([, path = "", anchor]) => ({ path, anchor }));
    expect(named.length).toBeGreaterThan(30);
    const missing = named.filter(
      ({ path, anchor }) =>
        !existsSync(join(root, path)) || (anchor !== undefined && !headingsOf(read(path)).includes(anchor)),
    );
    expect(missing).toEqual([]);
  });

  it("in the reasons for mutants that survive", () => {
    expect(REASONS.map(([file]) => file).filter((file) => !existsSync(join(root, "src", file)))).toEqual([]);
  });
});

describe("CONTRIBUTING's list of folders", () => {
  it("has every folder but those of documents", () => {
    const folders = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !NOT_SOURCES.test(entry.name))
      .map(({ name }) => name);
    expect(folders).toContain("deploy");
    const text = read("CONTRIBUTING.md");
    expect(folders.filter((name) => !text.includes(`\`${name}/`))).toEqual([]);
  });
});
