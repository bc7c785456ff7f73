import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "@cdktn/hcl2json";
import { parse as parseYaml } from "yaml";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { variableOf } from "../../deploy/release/terraform.ts";
import { root } from "../support/fleet.ts";
import "../support/background.ts";

interface Workflow {
  readonly jobs: { readonly publish: { readonly steps: readonly { name?: string; run?: string }[] } };
}

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-release-"));
const [one, other] = [join(folder, "one"), join(folder, "other")];
const read = (file: string) => readFileSync(join(one, file));
const { version, dependencies, devDependencies } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
) as Record<"dependencies" | "devDependencies", Record<string, string>> & { version: string };

/** What `npm run release` does after the build, which this run has made already. */
const make = (to: string, env: Record<string, string>) =>
  run("bash", ["-c", `umask ${env.UMASK ?? ""} && exec "$0" --import tsx deploy/release/make.ts "$1"`, process.execPath, to], {
    cwd: root,
    env: { ...process.env, ...env },
  }); // prettier-ignore

beforeAll(async () => {
  await Promise.all([
    make(one, { TZ: "UTC", UMASK: "022" }),
    make(other, { TZ: "Asia/Tokyo", UMASK: "077" }),
  ]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const filesOf = (release: string) =>
  readdirSync(release, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(release, file)).isFile(),
  );

describe("npm run release", () => {
  it("makes what docs/release.md has a row for, and nothing else", () => {
    const rows = [...readFileSync(join(root, "docs/release.md"), "utf8").matchAll(/^\| `([^`]+)` \|/gm)];
    const patterns = rows.map(([, name = ""]) => new RegExp(`^${name.replace(/[.]/g, "\\.").replace(/<[^>]+>/g, "[\\w.]+").replace(/\/$/, "/.+")}$`)); // prettier-ignore
    expect(patterns.length).toBeGreaterThan(5);
    const files = filesOf(one);
    expect(files.filter((file) => !patterns.some((pattern) => pattern.test(file)))).toEqual([]);
    expect(patterns.filter((pattern) => !files.some((file) => pattern.test(file)))).toEqual([]);
  });

  it("has the SHA-256 of every file", () => {
    const sums = read("SHA256SUMS").toString().trimEnd().split("\n");
    const expected = filesOf(one)
      .filter((file) => file !== "SHA256SUMS")
      .sort()
      .map((file) => `${createHash("sha256").update(read(file)).digest("hex")}  ${file}`);
    expect(sums).toEqual(expected);
  });

  // GNU's tar and sha256sum, as on GitHub's machine.
  it.runIf(process.platform === "linux")("can be checked as documented, as GitHub has it", async () => {
    const place = join(folder, "github");
    const [assets, bin] = [join(place, "assets"), join(place, "bin")];
    for (const made of [assets, bin]) mkdirSync(made, { recursive: true });
    cpSync(one, join(place, "release"), { recursive: true });
    // Attached are the files that are named; they have no folders there.
    const gh = '#!/bin/sh\nfor file in "$@"; do [ ! -f "$file" ] || cp "$file" assets/; done\n';
    writeFileSync(join(bin, "gh"), gh, { mode: 0o755 });
    const workflow = parseYaml(readFileSync(join(root, ".github/workflows/release.yml"), "utf8")) as Workflow;
    const attach = workflow.jobs.publish.steps.find(({ name }) => name === "Attach the files")?.run;
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ""}`, GITHUB_REF_NAME: `v${version}` };
    await run("bash", ["-euc", attach ?? "exit 1"], { cwd: place, env });
    const page = readFileSync(join(root, "docs/release.md"), "utf8");
    const [, check] = /```sh\n(.*?sha256sum --check SHA256SUMS\n)```/s.exec(page) ?? [];
    const { stdout } = await run("bash", ["-euc", check ?? "exit 1"], { cwd: assets });
    expect(stdout).toContain("LICENSE: OK");
    expect(stdout).toContain("terraform.tar.gz: OK");
  });

  it("makes the same to the byte in another time zone and for another user", () => {
    expect(readFileSync(join(other, "SHA256SUMS"), "utf8")).toBe(read("SHA256SUMS").toString());
  });

  it("has the functions as they were built, for everybody to read, under the path that serverless.yml names", () => {
    const zips = readdirSync(join(one, "functions"));
    const bundles = readdirSync(join(root, "dist/handlers"));
    expect(zips.map((file) => file.replace(/-[0-9a-f]{12}\.zip$/, ".mjs")).sort()).toEqual(bundles.sort());
    for (const file of zips) {
      const zip = read(join("functions", file));
      const bundle = `dist/handlers/${file.replace(/-\w+\.zip$/, ".mjs")}`;
      const content = unzipSync(zip);
      expect(Object.keys(content)).toEqual([bundle]);
      expect(Buffer.from(content[bundle] ?? "").equals(readFileSync(join(root, bundle)))).toBe(true);
      // The central directory (APPNOTE.TXT 4.3.12): made under Unix, and the mode in the upper half of the attributes.
      const central = zip.indexOf("PK\x01\x02");
      expect(zip.readUInt8(central + 5)).toBe(3);
      expect((zip.readUInt32LE(central + 38) >>> 16).toString(8)).toBe("100644");
      expect(createHash("sha256").update(zip).digest("hex")).toContain(/-(\w+)\.zip$/.exec(file)?.[1]);
    }
  });

  it("has the agent that was built", () => {
    expect(read("agent.cjs").equals(readFileSync(join(root, "dist/agent.cjs")))).toBe(true);
  });

  it("has the package, with the version in its name", () => {
    expect(filesOf(one)).toContain(`soketi-app-sync-${version}.tgz`);
  });
});

describe("the Terraform module", () => {
  interface Hcl {
    readonly variable?: Record<string, [{ description: string; type: string; default?: unknown }]>;
    readonly output?: Record<string, [{ value: string }]>;
    readonly locals?: [Record<string, unknown>];
    readonly resource?: Record<string, object>;
  }
  const texts = () =>
    readdirSync(join(one, "terraform")).map((file) => ({
      file,
      text: read(join("terraform", file)).toString(),
    }));
  const parsed = async () =>
    Promise.all(texts().map(async ({ file, text }) => (await parse(file, text)) as Hcl));
  const variablesIn = async () => Object.assign({}, ...(await parsed()).map(({ variable }) => variable)) as NonNullable<Hcl["variable"]>; // prettier-ignore
  const template = () =>
    JSON.parse(read("cloudformation.json").toString()) as Record<
      "Parameters" | "Outputs",
      Record<string, { Default?: string; Description: string }>
    >;

  it("has a variable for each parameter of the template, with the same default, and two of its own", async () => {
    const variables = await variablesIn();
    for (const [parameter, { Default, Description }] of Object.entries(template().Parameters)) {
      const [variable] = variables[variableOf(parameter)] ?? [];
      expect(variable, parameter).toMatchObject({ description: Description, type: "${string}" });
      expect(variable?.default, parameter).toBe(Default);
    }
    const names = Object.keys(template().Parameters).map(variableOf);
    expect(Object.keys(variables).sort()).toEqual([...new Set(names), "stack_name", "tags"].sort());
    expect(new Set(names).size).toBe(Object.keys(template().Parameters).length);
  });

  it("hands each of them to the stack under its own name", async () => {
    const [{ parameters } = {}] = (await parsed()).flatMap(({ locals = [] }) => locals.filter((one) => "parameters" in one)); // prettier-ignore
    expect(parameters).toEqual(
      Object.fromEntries(
        Object.keys(template().Parameters).map((name) => [name, `\${var.${variableOf(name)}}`]),
      ),
    );
  });

  it("has the template's outputs, and the stack's id", async () => {
    const outputs = (await parsed()).flatMap(({ output = {} }) => Object.entries(output));
    expect(outputs.map(([name]) => name).sort()).toEqual(
      [...Object.keys(template().Outputs).map(variableOf), "stack_id"].sort(),
    );
    for (const name of Object.keys(template().Outputs)) {
      const [, [output] = []] = outputs.find(([output]) => output === variableOf(name)) ?? [];
      expect(output?.value).toContain(`"${name}"`);
    }
  });

  it("uses nothing that is not declared, and declares nothing that is not used", async () => {
    const all = texts().map(({ text }) => text.replace(/#.*$/gm, "")).join("\n"); // prettier-ignore
    const used = (pattern: RegExp) => [...new Set([...all.matchAll(pattern)].map(([, name = ""]) => name))].sort(); // prettier-ignore
    expect(used(/\bvar\.(\w+)/g)).toEqual(Object.keys(await variablesIn()).sort());
    const locals = (await parsed()).flatMap(({ locals: [given = {}] = [{}] }) => Object.keys(given));
    expect(used(/\blocal\.(\w+)/g)).toEqual(locals.sort());
    const resources = (await parsed()).flatMap(({ resource = {} }) =>
      Object.entries(resource).flatMap(([type, named]) =>
        Object.keys(named).map((name) => `${type}.${name}`),
      ),
    );
    expect(used(/(?<!data\.)\b(aws_\w+\.\w+)/g)).toEqual(resources.sort());
    for (const [, path = ""] of all.matchAll(/"\$\{path\.module\}\/\.\.\/([\w.]+)"/g))
      expect(readdirSync(one)).toContain(path);
  });
});

describe("the bill of materials", () => {
  const bom = () =>
    JSON.parse(read("sbom.cdx.json").toString()) as {
      bomFormat: string;
      metadata: { timestamp?: string; component: { name: string; version: string } };
      serialNumber?: string;
      components: { group?: string; name: string; version: string; purl: string; licenses?: unknown[] }[];
    };
  const names = () =>
    bom().components.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`));

  it("is one of this version, without anything that differs from one time to the next", () => {
    const { bomFormat, metadata, serialNumber } = bom();
    expect([bomFormat, metadata.component.name, metadata.component.version]).toEqual([
      "CycloneDX",
      "soketi-app-sync",
      version,
    ]);
    expect([serialNumber, metadata.timestamp]).toEqual([undefined, undefined]);
  });

  it("names every dependency, and each with its version, its licence and where it is", () => {
    expect(Object.keys(dependencies).filter((name) => !names().includes(name))).toEqual([]);
    // Subfolders of preact, which have a package.json of their own.
    const parts = ["jsx-runtime", "hooks"];
    for (const { name, version: has, purl, licenses } of bom().components) {
      expect(has, name).toMatch(/^\d/);
      expect(purl, name).toContain(`@${has}`);
      if (!parts.some((part) => name.endsWith(part))) expect(licenses, name).toBeDefined();
    }
  });

  it("names what the dependencies bring along, and nothing that only tests and builds need", () => {
    expect(names()).toEqual(expect.arrayContaining(["redis-errors", "@smithy/core"]));
    // Bundled into the console's page, and so shipped.
    const shipped = ["preact", "uplot", "@smithy/signature-v4"];
    const onlyHere = Object.keys(devDependencies).filter((name) => !shipped.includes(name));
    expect(onlyHere.filter((name) => names().includes(name))).toEqual([]);
  });
});
