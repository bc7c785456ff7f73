import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** While src/adapters is divided among the rooms of its own that it holds. */
const MOVING = [
  "src/async",
  "src/app",
  "src/protocol",
  "src/config",
  "src/pipeline",
  "src/agent",
  "src/adapters",
  "src/aws",
  "src/redis",
  "src/soketi",
  "src/lambda",
  "src/fleet",
];

/** Folder -> the folders it may import from. What is not listed here may not exist. */
const ALLOWED: Record<string, readonly string[]> = {
  "src/app": [],
  "src/async": [],
  "src/protocol": ["src/app"],
  "src/config": ["src/protocol", "src/agent", "src/pipeline"],
  "src/pipeline": ["src/app", "src/async", "src/protocol"],
  "src/agent": ["src/protocol"],
  "src/adapters": MOVING,
  "src/aws": MOVING,
  "src/redis": MOVING,
  "src/soketi": MOVING,
  "src/lambda": MOVING,
  "src/fleet": MOVING,
  "src/preload": MOVING,
  "src/library": MOVING,
  "src/console": MOVING,
  handlers: MOVING,
  "src/cli": [...MOVING, "src/console"],
  local: [...MOVING, "src/console"],
};

/** Packages that only these folders may import; types count too. Anything not listed is free. */
const PACKAGES: Record<string, readonly string[]> = {
  // src/soketi takes soketi's own out of its folder; in src/redis one file imports ours: see below.
  ioredis: ["src/redis", "src/soketi"],
  // Whoever uses the library may give a client of their own.
  "@aws-sdk/client-dynamodb": [
    "src/adapters",
    "src/aws",
    "src/redis",
    "src/soketi",
    "src/lambda",
    "src/library",
    "local",
  ],
  "@aws-sdk/client-dynamodb-streams": ["src/adapters", "src/aws", "src/redis", "src/soketi", "src/lambda"],
  "@aws-sdk/client-secrets-manager": ["src/adapters", "src/aws", "src/redis", "src/soketi", "src/lambda"],
  "@aws-sdk/client-ssm": ["src/adapters", "src/aws", "src/redis", "src/soketi", "src/lambda"],
  "@aws-lambda-powertools/logger": ["src/adapters", "src/aws", "src/redis", "src/soketi", "src/lambda"],
  "@aws-lambda-powertools/metrics": ["src/adapters", "src/aws", "src/redis", "src/soketi", "src/lambda"],
  "@soketi/soketi": [],
  commander: ["src/cli"],
  preact: ["src/console"],
  "preact/hooks": ["src/console"],
  uplot: ["src/console"],
  "cli-table3": ["src/cli"],
  "cli-progress": ["src/cli"],
  picocolors: ["src/cli"],
  "@aws-sdk/client-lambda": ["src/adapters", "src/aws", "src/redis", "src/soketi", "src/lambda"],
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
