import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * Room -> the rooms that it may import from, types included. What is not listed here may not exist. From the ground up:
 * CONTRIBUTING has the same table, with what each room is for.
 */
const ALLOWED: Record<string, readonly string[]> = {
  "src/app": [],
  "src/async": [],
  "src/protocol": ["src/app"],
  "src/agent": ["src/async", "src/protocol"],
  "src/pipeline": ["src/app", "src/async", "src/protocol"],
  "src/config": ["src/protocol", "src/agent", "src/pipeline"],
  "src/redis": ["src/async", "src/protocol", "src/agent", "src/pipeline", "src/config"],
  "src/aws": ["src/app", "src/async", "src/agent", "src/pipeline", "src/config"],
  "src/soketi": ["src/app", "src/async", "src/protocol", "src/agent", "src/config", "src/redis"],
  "src/http": ["src/config"],
  "src/lambda": ["src/protocol", "src/pipeline", "src/config", "src/redis"],
  "src/relay": [
    "src/async",
    "src/protocol",
    "src/pipeline",
    "src/config",
    "src/http",
    "src/redis",
    "src/aws",
    "src/lambda",
  ],
  "src/fleet": ["src/protocol", "src/config", "src/redis"],
  "src/cdk": ["src/config"],
  "src/library": ["src/app", "src/protocol", "src/agent", "src/config", "src/redis", "src/aws"],
  "src/console": ["src/app", "src/async", "src/protocol", "src/http", "src/redis", "src/aws", "src/fleet"],
  "src/cli": [
    "src/app",
    "src/async",
    "src/protocol",
    "src/pipeline",
    "src/config",
    "src/redis",
    "src/aws",
    "src/soketi",
    "src/relay",
    "src/fleet",
    "src/console",
  ],
  handlers: ["src/protocol", "src/pipeline", "src/config", "src/redis", "src/aws", "src/lambda", "src/fleet"],
  local: [
    "src/app",
    "src/async",
    "src/protocol",
    "src/config",
    "src/redis",
    "src/aws",
    "src/fleet",
    "src/console",
  ],
};

/** Packages that only these rooms may import; types count too. Anything not listed is free. */
const PACKAGES: Record<string, readonly string[]> = {
  // src/soketi takes soketi's own out of its folder; in src/redis one file imports ours: see below.
  ioredis: ["src/redis", "src/soketi"],
  // Whoever uses the library may give a client of their own.
  "@aws-sdk/client-dynamodb": ["src/aws", "src/library", "local"],
  "@aws-sdk/client-dynamodb-streams": ["src/aws"],
  "@aws-sdk/client-lambda": ["src/aws"],
  "@aws-sdk/client-sts": ["src/aws"],
  "@aws-sdk/client-secrets-manager": ["src/redis"],
  "@aws-sdk/client-ssm": ["src/redis"],
  "@aws-lambda-powertools/logger": ["src/lambda"],
  "@aws-lambda-powertools/metrics": ["src/lambda"],
  "@soketi/soketi": [],
  commander: ["src/cli"],
  // soketi's own is taken out of its folder.
  "prom-client": ["src/relay", "src/soketi"],
  preact: ["src/console"],
  "preact/hooks": ["src/console"],
  uplot: ["src/console"],
  "aws-cdk-lib": ["src/cdk"],
  constructs: ["src/cdk"],
  "cli-table3": ["src/cli"],
  "cli-progress": ["src/cli"],
  picocolors: ["src/cli"],
};

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(folder, file));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:from|import|require\()\s*\(?"([^"]+)"/g)].map((match) => match[1] ?? "");
}

const files = ["src", "handlers", "local"].flatMap(sources).filter((file) => !file.endsWith(".d.ts"));
const folderOf = (file: string) =>
  file.startsWith("src/") ? file.split("/").slice(0, 2).join("/") : (file.split("/")[0] ?? "");

describe("imports go one way", () => {
  it("finds the sources", () => {
    expect(files.length).toBeGreaterThan(20);
  });

  it.each(files)("%s", (file) => {
    const folder = folderOf(file);
    const allowed = ALLOWED[folder];
    if (!allowed) throw new Error(`${folder} is not in the table of folders: redraw the picture first`);
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith(".")) {
        const target = folderOf(relative(root, resolve(root, dirname(file), specifier)));
        expect([folder, ...allowed], `${file} imports ${specifier}`).toContain(target);
      } else {
        const only = PACKAGES[specifier];
        if (only) expect(only, `${file} imports ${specifier}`).toContain(folder);
      }
    }
  });
});

/** The files that a file imports, types included. */
const targetsOf = (file: string) =>
  importsOf(file)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => relative(root, resolve(root, dirname(file), specifier)))
    .filter((target) => files.includes(target));

describe("no circle", () => {
  it("among files, types included", () => {
    const done = new Set<string>();
    const walk = (file: string, path: readonly string[]): string[] | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
      if (done.has(file)) return undefined;
      for (const target of targetsOf(file)) {
        const circle = walk(target, [...path, file]);
        if (circle) return circle;
      }
      done.add(file);
      return undefined;
    };
    for (const file of files) expect(walk(file, [])).toBeUndefined();
  });

  it("among rooms", () => {
    const order = Object.keys(ALLOWED);
    for (const [room, below] of Object.entries(ALLOWED)) {
      for (const target of below) {
        expect(order.indexOf(target), `${room} may import ${target}`).toBeLessThan(order.indexOf(room));
      }
    }
  });
});

describe("commands", () => {
  /** A command is a file or a folder of src/cli; `support` is what they share. */
  const commandOf = (file: string) => file.split("/")[2] ?? "";
  const ofCommands = files.filter((file) => file.startsWith("src/cli/") && !/\/(cli|bin)\.ts$/.test(file));

  it.each(ofCommands)("%s imports no other command", (file) => {
    const targets = targetsOf(file).filter((target) => target.startsWith("src/cli/"));
    const others = targets.filter((target) => ![commandOf(file), "support"].includes(commandOf(target)));
    expect(others).toEqual([]);
  });

  it("share what is in support: each file there serves two of them, or another file there", () => {
    const usersOf = (file: string) => files.filter((one) => targetsOf(one).includes(file)).map(commandOf);
    const ofOne = ofCommands.filter((file) => {
      const users = new Set(usersOf(file));
      return commandOf(file) === "support" && users.size === 1 && !users.has("support");
    });
    expect(ofOne).toEqual([]);
  });
});

describe("docs/reference/imports.md", () => {
  it("is this law", () => {
    const rows = readFileSync(join(root, "docs/reference/imports.md"), "utf8").matchAll(
      /^\| `((?:src\/)?[a-z]+)\/` \| (.*) \|$/gm,
    );
    const long = (name: string) => (name in ALLOWED ? name : `src/${name}`);
    const table = [...rows].map(([, room = "", allowed = ""]) => [
      room,
      allowed === "nothing" ? [] : allowed.split(", ").map(long),
    ]);
    expect(Object.fromEntries(table)).toEqual(ALLOWED);
  });

  it("names every folder that there is", () => {
    const folders = readdirSync(join(root, "src"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && sources(`src/${entry.name}`).length > 0)
      .map(({ name }) => `src/${name}`);
    expect(folders.sort()).toEqual(
      Object.keys(ALLOWED)
        .filter((room) => room.startsWith("src/"))
        .sort(),
    );
  });
});

describe("the agent brings no dependency along", () => {
  /** Without what is required at run time out of soketi's folder. */
  const staticImportsOf = (file: string) =>
    [...readFileSync(join(root, file), "utf8").matchAll(/(?:from|import)\s*\(?"([^"]+)"/g)].map(
      ([, specifier = ""]) => specifier,
    );

  /** All that a file leads to, types included. */
  function reachedFrom(start: string): Set<string> {
    const reached = new Set([start]);
    for (const file of reached) {
      if (!file.startsWith("src/")) continue;
      for (const specifier of staticImportsOf(file)) {
        reached.add(
          specifier.startsWith(".") ? relative(root, resolve(root, dirname(file), specifier)) : specifier,
        );
      }
    }
    return reached;
  }
  const inRooms = (reached: Iterable<string>, ...rooms: string[]) =>
    [...reached].filter((file) => rooms.some((room) => file.startsWith(room)));

  it("ioredis is imported in one file", () => {
    expect(files.filter((file) => staticImportsOf(file).includes("ioredis"))).toEqual([
      "src/redis/ioredis.ts",
    ]);
  });

  it.each(files.filter((file) => file.startsWith("src/soketi/")))("%s reaches no package", (file) => {
    const reached = reachedFrom(file);
    expect(inRooms(reached, "src/aws/", "src/redis/ioredis.ts")).toEqual([]);
    expect([...reached].filter((one) => !/^(src\/|node:)/.test(one))).toEqual([]);
  });
});
