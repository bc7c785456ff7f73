import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, CfnParameter, NestedStack, Stack, Validations } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { AttributeType, StreamViewType, Table } from "aws-cdk-lib/aws-dynamodb";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { zippedFunctions } from "../../deploy/release/functions.ts";
import type { JsonObject } from "../../deploy/template/json.ts";
import { type PlainTemplate, plainTemplate } from "../../deploy/template/plain-template.ts";
import { SoketiAppSync } from "../../src/cdk/index.ts";
import { root } from "../support/fleet.ts";
import { asParameters, SETS } from "../support/parameter-sets.ts";
import { resolveTemplate, withoutEmpty } from "../support/resolve-template.ts";
import "../support/background.ts";

const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-cdk-"));
const release = join(folder, "release");
const zips = zippedFunctions(root);
let template: PlainTemplate;
let apps = 0;

beforeAll(async () => {
  template = await plainTemplate(root, new Map(zips.map(({ name, file }) => [name, file])));
  mkdirSync(join(release, "functions"), { recursive: true });
  writeFileSync(join(release, "cloudformation.json"), JSON.stringify(template));
  for (const { file, zip } of zips) writeFileSync(join(release, "functions", file), zip);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What CDK warns of when values stand in the place of parameters: docs/release.md names them. */
const WARNINGS = ["W1028", "W2503", "W8003", "W9003", "W9052", "W9053"].map(
  (id) => `CloudFormation-Validate::${id}`,
);

const stackIn = (acknowledged: readonly string[] = WARNINGS) => {
  apps += 1;
  const app = new App({ outdir: join(folder, `cdk.out-${apps}`), analyticsReporting: false });
  const stack = new Stack(app, "Sync", { env: { region: "us-east-1", account: "123456789012" } });
  Validations.of(stack).acknowledge(...acknowledged.map((id) => ({ id, reason: "docs/release.md" })));
  return stack;
};
/** Without the two of the code, which are the construct's own. */
const parametersOf = (given: Readonly<Record<string, string>>) => {
  const { CodeBucket: _, CodePrefix: __, ...rest } = asParameters(given);
  return rest as Readonly<Record<string, string>>;
};
type Synthesized = Parameters<typeof resolveTemplate>[0] & { Rules: object; Outputs: object };
const synthesize = (stack: Stack) => Template.fromStack(stack).toJSON() as Synthesized;

/** Apart from the code, which is an asset here. */
const withoutCode = (resources: Readonly<Record<string, JsonObject>>) =>
  Object.fromEntries(
    Object.entries(resources).map(([id, resource]) => {
      const { Code: _, ...Properties } = resource.Properties as JsonObject;
      return [id, { ...resource, Properties }];
    }),
  );

describe.each(Object.entries(SETS))("the construct, and the template: %s", (_, set) => {
  const given = { stage: "prod", ...set };

  it("have the same resources, property by property", () => {
    const stack = stackIn();
    new SoketiAppSync(stack, "AppSync", { release, parameters: parametersOf(given) });
    const synthesized = synthesize(stack);
    const resources = withoutEmpty(resolveTemplate(synthesized, {}));
    const plain = withoutEmpty(resolveTemplate(template, asParameters(given)));
    expect(Object.keys(resources).length).toBeGreaterThan(25);
    expect(withoutCode(resources)).toEqual(withoutCode(plain));
    expect(Object.keys(synthesized.Outputs).sort()).toEqual(Object.keys(template.Outputs).sort());
    // Of CDK, about its own bootstrap.
    expect(Object.keys(synthesized.Rules)).toEqual(["CheckBootstrapVersion"]);
    expect(Object.keys(synthesized.Parameters ?? {})).toEqual(["BootstrapVersion"]);
  });
});

describe("docs/release.md", () => {
  it("acknowledges what CDK warns of, and no more than that is left", () => {
    const [, list = ""] = /const decided = \[(.*)\]/.exec(readFileSync(join(root, "docs/release.md"), "utf8")) ?? []; // prettier-ignore
    expect(list.split(", ").map((rule) => `CloudFormation-Validate::${rule.replaceAll('"', "")}`)).toEqual(
      WARNINGS,
    );
    const parameters = {
      RedisUrl: "redis://r",
      StreamArn: "arn:aws:dynamodb:us-east-1:123456789012:table/apps/stream/2026-01-01T00:00:00.000",
      SharedCache: "refresh",
      ReservedConcurrency: "4",
    };
    const printedFor = (stack: Stack): string => {
      new SoketiAppSync(stack, "AppSync", { release, parameters });
      const printed = vi.spyOn(process.stderr, "write").mockReturnValue(true);
      const logged = vi.spyOn(console, "error").mockReturnValue(undefined);
      try {
        synthesize(stack);
        return [...printed.mock.calls, ...logged.mock.calls].join("\n");
      } finally {
        printed.mockRestore();
        logged.mockRestore();
      }
    };
    expect(printedFor(stackIn([]))).toContain("WARNING");
    expect(printedFor(stackIn())).not.toContain("WARNING");
  });
});

describe("the code", () => {
  it("of each function is its zip, as an asset", () => {
    const stack = stackIn();
    new SoketiAppSync(stack, "AppSync", {
      release,
      parameters: { RedisUrl: "redis://r", SharedCache: "refresh" },
    });
    const resources = Object.entries(resolveTemplate(synthesize(stack), {}));
    const functions = resources.filter(([, { Type }]) => Type === "AWS::Lambda::Function");
    expect(functions.length).toBe(zips.length);
    const staged = join(folder, `cdk.out-${apps}`);
    for (const [id, { Properties }] of functions) {
      const { S3Bucket, S3Key } = (Properties as { Code: Record<string, string> }).Code;
      expect(S3Bucket).toBe("cdk-hnb659fds-assets-123456789012-us-east-1");
      const zip = zips.find(({ name }) => `${name}LambdaFunction` === id.charAt(0).toLowerCase() + id.slice(1))?.zip; // prettier-ignore
      const asset = readdirSync(staged).find((file) => file === `asset.${S3Key}`) ?? "";
      expect(readFileSync(join(staged, asset)).equals(Buffer.from(zip ?? []))).toBe(true);
    }
  });
});

describe("the stream of a table in the same app", () => {
  const tableIn = (stack: Stack) =>
    new Table(stack, "Apps", {
      partitionKey: { name: "AppId", type: AttributeType.STRING },
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
    });

  it("is taken in a nested stack, where it is a parameter", () => {
    const stack = stackIn();
    const nested = new NestedStack(stack, "Nested");
    new SoketiAppSync(nested, "AppSync", {
      release,
      parameters: { RedisUrl: "redis://r", StreamArn: tableIn(stack).tableStreamArn ?? "" },
    });
    const { Conditions, Parameters } = synthesize(nested);
    const [parameter = "", another] = Object.keys(Parameters ?? {}).filter((name) =>
      name.includes("StreamArn"),
    );
    expect(another).toBeUndefined();
    expect(Conditions?.HasStreamArn).toEqual({ "Fn::Not": [{ "Fn::Equals": [{ Ref: parameter }, ""] }] });
  });

  it("is refused in the same stack, where CloudFormation's conditions could not read it", () => {
    const stack = stackIn();
    const StreamArn = tableIn(stack).tableStreamArn ?? "";
    expect(
      () =>
        new SoketiAppSync(stack, "AppSync", { release, parameters: { RedisUrl: "redis://r", StreamArn } }),
    ).toThrow(/StreamArn: expected text, .*found an attribute of a resource.*NestedStack/);
  });

  it("is taken from a parameter of the stack", () => {
    const stack = stackIn();
    const StreamArn = new CfnParameter(stack, "Given").valueAsString;
    new SoketiAppSync(stack, "AppSync", { release, parameters: { RedisUrl: "redis://r", StreamArn } });
    expect(synthesize(stack).Conditions?.StreamArnIsEmpty).toEqual({ "Fn::Equals": [{ Ref: "Given" }, ""] });
  });
});

describe("what is wrong is told when the app is synthesized", () => {
  const errorOf = (parameters: Readonly<Record<string, string>>, from = release): string => {
    try {
      new SoketiAppSync(stackIn(), "AppSync", { release: from, parameters });
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };

  it("all mistakes at once", () => {
    const message = errorOf({ redisUrl: "redis://r", SharedCache: "yes", LogLength: "many", CodeBucket: "bucket", SubnetIds: "subnet-0a", Stage: "a".repeat(31) }); // prettier-ignore
    expect(message.split("\n").map((line) => line.trim())).toEqual([
      "The parameters are wrong:",
      "CodeBucket: expected none, the zips are assets. Leave it out",
      expect.stringMatching(/^Stage: expected .* at most 30 characters, found something else \(not shown/),
      expect.stringMatching(/^LogLength: expected .*, found something else \(not shown/),
      'SharedCache: expected off, evict, refresh, found "yes"',
      expect.stringMatching(/^redisUrl: expected one of .*RedisUrl/),
      expect.stringContaining("Give one of RedisUrl, RedisClusterNodes and RedisSentinels"),
      expect.stringContaining("Give both of SubnetIds and SecurityGroupIds"),
    ]);
  });

  it("what no function would start with", () => {
    const cluster = { RedisClusterNodes: "a:1", SharedCache: "evict" };
    expect(errorOf(cluster)).toBe("");
    expect(
      errorOf({ ...cluster, MinReplicas: "1", SharedCacheFormat: "sockudo" })
        .split("\n")
        .slice(1),
    ).toEqual([
      expect.stringContaining("MinReplicas has to be 0 beside RedisClusterNodes"),
      expect.stringContaining("SharedCacheFormat with sockudo needs SharedCache refresh"),
    ]);
  });

  it("a password in a parameter is not in the message", () => {
    expect(errorOf({ RedisUrl: "redis://u:hunter2@h" })).toMatch(
      /^The parameters are wrong:\n {2}RedisUrl: /,
    );
    expect(errorOf({ RedisUrl: "redis://u:hunter2@h" })).not.toContain("hunter2");
  });

  it("a folder that is no release", () => {
    expect(errorOf({}, folder)).toMatch(
      /^release: expected the folder of a release.*found no cloudformation/,
    );
  });

  it("a release of which a zip is gone, or of another one", () => {
    const broken = join(folder, "broken");
    cpSync(release, broken, { recursive: true });
    rmSync(join(broken, "functions"), { recursive: true });
    expect(errorOf({}, broken)).toMatch(/^release: expected stream-\w+\.zip of StreamLambdaFunction .*found nothing/); // prettier-ignore
  });
});
