import { readdirSync, readFileSync, rmSync, writeFileSync, mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DCLinter } from "dclint";
import { validate } from "dockerfile-utils";
import { DockerfileParser } from "dockerfile-ast";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { composeServices } from "../../support/compose.ts";
import { root } from "../../support/fleet.ts";
import { findings } from "../../support/serverless.ts";

const folder = join(root, "deploy/containers");
const read = (file: string) => readFileSync(join(folder, file), "utf8");

/** Errors alone: its warnings are about the order of keys, and quotes. */
function composeErrors(file: string): string[] {
  const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] });
  return linter
    .lintFiles([file], false)
    .flatMap(({ messages }) => messages.filter(({ type }) => type === "error").map(({ message }) => message));
}

describe("compose.yml", () => {
  it("is what the schema of the Compose Specification asks for", () => {
    expect(composeErrors(join(folder, "compose.yml"))).toEqual([]);
  });

  it.each([
    ["a property that there is not", "restart: unless-stopped", "restarts: unless-stopped"],
    ["a condition that there is not", "condition: service_healthy", "condition: healthy"],
    ["a port for everybody", '"127.0.0.1:6001:6001"', '"6001:6001"'],
  ])("and would not be with %s", (_, from, to) => {
    const elsewhere = mkdtempSync(join(tmpdir(), "soketi-app-sync-compose-"));
    try {
      const text = read("compose.yml");
      expect(text).toContain(from);
      writeFileSync(join(elsewhere, "compose.yml"), text.replaceAll(from, to));
      expect(composeErrors(join(elsewhere, "compose.yml"))).not.toEqual([]);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it("has soketi twice, one relay, Redis, and DynamoDB only where it is asked for", () => {
    const services = Object.entries(composeServices());
    expect(services.map(([name]) => name)).toEqual([
      "soketi-1",
      "soketi-2",
      "relay",
      "redis",
      "dynamodb",
      "table",
    ]);
    expect(services.filter(([, { profiles }]) => profiles?.includes("local")).map(([name]) => name)).toEqual([
      "dynamodb",
      "table",
    ]);
  });

  it("builds from Dockerfiles that are there", () => {
    const built = Object.values(composeServices()).flatMap(({ build }) => build?.dockerfile ?? []);
    expect(new Set(built)).toEqual(new Set(["containers/soketi.Dockerfile", "containers/relay.Dockerfile"]));
  });
});

const dockerfiles = readdirSync(folder).filter((file) => file.endsWith(".Dockerfile"));
/** What `npm run release` puts beside the folder of the containers: test/real/release.test.ts. */
const CONTEXT = [/^agent\.cjs$/, /^soketi-app-sync-\*\.tgz$/];

describe.each(dockerfiles)("%s", (file) => {
  it("has no fault that a linter finds", () => {
    expect(validate(read(file))).toEqual([]);
    expect(validate("FROM a\nCOPPY b c\n")).not.toEqual([]);
  });

  it("copies only what the release has", () => {
    const instructions = DockerfileParser.parse(read(file)).getInstructions();
    const copied = instructions
      .filter((one) => one.getKeyword() === "COPY")
      .flatMap((one) => one.getArguments().slice(0, -1).map((argument) => argument.getValue())); // prettier-ignore
    expect(copied).toHaveLength(1);
    expect(copied.filter((source) => !CONTEXT.some((known) => known.test(source)))).toEqual([]);
  });
});

/** The keys of the chart soketi 2.0.0 (its values.yaml) that ours may set; what is below the last name is Kubernetes' own. */
const CHART_KEYS = [
  "replicaCount",
  "serviceAccount.annotations",
  "app.image.tag",
  "app.extraEnv",
  "app.extraVolumeMounts",
  "extraVolumes",
  "readinessProbe",
];

describe("helm-values.yaml", () => {
  it("sets only what the chart has", () => {
    const paths = (value: unknown, path: string): string[] =>
      CHART_KEYS.includes(path) || typeof value !== "object" || value === null
        ? [path]
        : Object.entries(value).flatMap(([key, inner]) => paths(inner, path === "" ? key : `${path}.${key}`));
    const set = paths(parse(read("helm-values.yaml")), "");
    expect([...set].sort()).toEqual([...CHART_KEYS].sort());
  });

  it("mounts the volume that it defines, where the agent is required from", () => {
    const { app, extraVolumes } = parse(read("helm-values.yaml")) as {
      app: {
        extraEnv: { name: string; value: string }[];
        extraVolumeMounts: { name: string; mountPath: string }[];
      };
      extraVolumes: { name: string; configMap: { name: string } }[];
    };
    expect(app.extraVolumeMounts.map(({ name }) => name)).toEqual(extraVolumes.map(({ name }) => name));
    const options = app.extraEnv.find(({ name }) => name === "NODE_OPTIONS")?.value;
    expect(options).toBe(`--require ${app.extraVolumeMounts[0]?.mountPath ?? ""}/agent.cjs`);
  });
});

describe("ecs-task-definition.json", () => {
  /** CloudFormation has the same properties, with a capital first letter; what is in these maps are names of other kinds. */
  const asCloudFormation = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(asCloudFormation);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key.charAt(0).toUpperCase() + key.slice(1),
        key === "options" ? inner : asCloudFormation(inner),
      ]),
    );
  };
  function problems(definition: string): string[] {
    const filled = definition.replaceAll("ACCOUNT", "123456789012").replaceAll("REGION", "eu-west-1");
    const Properties = asCloudFormation(JSON.parse(filled));
    const elsewhere = mkdtempSync(join(tmpdir(), "soketi-app-sync-ecs-"));
    const file = join(elsewhere, "template.json");
    try {
      writeFileSync(
        file,
        JSON.stringify({ Resources: { Task: { Type: "AWS::ECS::TaskDefinition", Properties } } }),
      );
      return findings(file);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  }

  it("is what the schema of AWS::ECS::TaskDefinition asks for", () => {
    expect(problems(read("ecs-task-definition.json"))).toEqual([]);
  });

  it.each([
    ["a property that there is not", '"essential"', '"essentials"'],
    ["a driver that there is not", '"logDriver": "awslogs"', '"logDriver": "aws"'],
  ])("and would not be with %s", (_, from, to) => {
    const text = read("ecs-task-definition.json");
    expect(text).toContain(from);
    expect(problems(text.replace(from, to))).not.toEqual([]);
  });
});

describe("variables in them", () => {
  const texts = ["compose.yml", "helm-values.yaml", "ecs-task-definition.json", "relay.Dockerfile"].map(read);
  const named = [...new Set(texts.join("\n").match(/\b(?:SOKETI|APP_SYNC|APP_MANAGER|REDIS)_[A-Z_]+\b/g))];

  it("are read by soketi, or by us", () => {
    const sources = readdirSync(join(root, "src/config")).map((file) =>
      readFileSync(join(root, "src/config", file), "utf8"),
    );
    const manifest = createRequire(import.meta.url).resolve("@soketi/soketi/package.json");
    const soketi = readFileSync(join(dirname(manifest), "dist/cli/cli.js"), "utf8");
    const ours = sources.join("\n");
    // Each variable of Redis exists with APP_SYNC_ in front.
    const isOurs = (name: string) => ours.includes(`"${name.replace(/^APP_SYNC_(?=REDIS_)/, "")}"`);
    const isRead = (name: string) =>
      name.startsWith("SOKETI_") ? new RegExp(`\\b${name.slice(7)}:`).test(soketi) : isOurs(name);
    expect(named.length).toBeGreaterThan(10);
    // A placeholder, and not a variable.
    expect(named.filter((name) => name !== "REDIS_HOST" && !isRead(name))).toEqual([]);
  });
});

describe("what was not run", () => {
  const shipped = readdirSync(folder);
  // One has no comments, and two are parts of compose.yml: the document names them all.
  const silent = ["ecs-task-definition.json", "local.env", "make-table.mjs"];

  it.each([...shipped.filter((file) => !silent.includes(file)), "../terraform/main.tf"])(
    "is named in %s",
    (file) => {
      expect(read(file).split("\n").slice(0, 15).join(" ")).toMatch(/^# .*Tried by the tests: .*Not tried: /);
    },
  );

  it.each(shipped)("is named in the document for %s", (file) => {
    const rows = readFileSync(join(root, "docs/release.md"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("|"));
    const [row = ""] = rows.filter((line) => line.split("|")[1]?.includes(file));
    expect(row.split("|")[3]?.trim(), row).toMatch(/\w/);
  });
});
