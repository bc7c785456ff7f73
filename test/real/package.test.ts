import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../support/fleet.ts";

interface Template {
  Resources: Record<string, { Type: string; DeletionPolicy?: string; Properties: Record<string, unknown> }>;
}
interface Statement {
  Action: string[];
  Resource: unknown[];
}

const serverless = join(
  dirname(createRequire(import.meta.url).resolve("serverless/package.json")),
  "bin/serverless.js",
);
const EXISTING = "arn:aws:dynamodb:eu-west-1:123456789012:table/apps/stream/2026-01-01T00:00:00.000";
const folders: string[] = [];

/** Without credentials, and without a network. osls tells its errors on standard output. */
function serverlessRun(...args: string[]): void {
  const env = {
    PATH: process.env.PATH,
    HOME: tmpdir(),
    APP_SYNC_BUILT: "1",
    HTTPS_PROXY: "http://127.0.0.1:9",
  };
  const { status, stdout } = spawnSync(process.execPath, [serverless, ...args], {
    cwd: root,
    env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`serverless ${args.join(" ")} failed: ${stdout}`);
}

function packageWith(...params: string[]): { template: Template; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-package-"));
  folders.push(folder);
  serverlessRun("package", "--package", folder, ...params.flatMap((param) => ["--param", param]));
  const file = join(folder, "cloudformation-template-update-stack.json");
  return { template: JSON.parse(readFileSync(file, "utf8")) as Template, folder };
}

/** The names in a zip's local file headers (APPNOTE.TXT 4.3.7). */
function zipEntries(file: string): string[] {
  const zip = readFileSync(file);
  const names: string[] = [];
  for (let at = zip.indexOf("PK\x03\x04"); at >= 0; at = zip.indexOf("PK\x03\x04", at + 4)) {
    names.push(zip.toString("utf8", at + 30, at + 30 + zip.readUInt16LE(at + 26)));
  }
  return names;
}

const resourcesOf = (template: Template, type: string) =>
  Object.values(template.Resources).filter((resource) => resource.Type === type);

function statementsOf(template: Template): Statement[] {
  const [role] = resourcesOf(template, "AWS::IAM::Role");
  const policies = role?.Properties.Policies as { PolicyDocument: { Statement: Statement[] } }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describe("npx serverless package, with a table of its own", () => {
  let template: Template;
  let folder: string;

  beforeAll(() => {
    ({ template, folder } = packageWith("redisUrl=redis://cache:6379", "tableName=my-apps"));
  });

  it("makes soketi's table, with the stream, kept when the stack goes", () => {
    const [table] = resourcesOf(template, "AWS::DynamoDB::Table");
    expect(table?.DeletionPolicy).toBe("Retain");
    expect(table?.Properties).toMatchObject({
      TableName: "my-apps",
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "AppId", KeyType: "HASH" }],
      GlobalSecondaryIndexes: [
        {
          IndexName: "AppKeyIndex",
          KeySchema: [{ AttributeName: "AppKey", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      ],
      StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
    });
  });

  it("maps the stream to the function so that nothing is lost", () => {
    const [mapping] = resourcesOf(template, "AWS::Lambda::EventSourceMapping");
    expect(mapping?.Properties).toMatchObject({
      EventSourceArn: { "Fn::GetAtt": ["AppsTable", "StreamArn"] },
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 0,
      ParallelizationFactor: 1,
      StartingPosition: "TRIM_HORIZON",
      MaximumRetryAttempts: -1,
      MaximumRecordAgeInSeconds: 3600,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      DestinationConfig: { OnFailure: { Destination: { "Fn::GetAtt": ["FailureQueue", "Arn"] } } },
    });
    const [queue] = resourcesOf(template, "AWS::SQS::Queue");
    expect(queue?.Properties.MessageRetentionPeriod).toBe(14 * 24 * 60 * 60);
    // A filter pattern could drop removals.
    expect(mapping?.Properties).not.toHaveProperty("FilterCriteria");
  });

  it("runs on arm64 with Node 24, with no VPC, and knows its table and Redis", () => {
    const [definition] = resourcesOf(template, "AWS::Lambda::Function");
    expect(definition?.Properties).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Timeout: 30,
      Handler: "dist/handlers/stream.handler",
      Environment: { Variables: { REDIS_URL: "redis://cache:6379", APP_MANAGER_DYNAMODB_TABLE: "my-apps" } },
    });
    expect(definition?.Properties).not.toHaveProperty("VpcConfig");
    const [logs] = resourcesOf(template, "AWS::Logs::LogGroup");
    expect(logs?.Properties.RetentionInDays).toBe(30);
  });

  it("may read this stream, write to this queue and log, and nothing else", () => {
    const allowed = statementsOf(template).flatMap(({ Action, Resource }) =>
      Action.map((action) => `${action} ${JSON.stringify(Resource)}`),
    );
    const others = allowed.filter((line) => !line.startsWith("logs:"));
    const stream = JSON.stringify([{ "Fn::GetAtt": ["AppsTable", "StreamArn"] }]);
    const queue = JSON.stringify([{ "Fn::GetAtt": ["FailureQueue", "Arn"] }]);
    expect(others.sort()).toEqual([
      `dynamodb:DescribeStream ${stream}`,
      `dynamodb:GetRecords ${stream}`,
      `dynamodb:GetShardIterator ${stream}`,
      `dynamodb:ListStreams ${stream}`,
      `sqs:ListQueues ${queue}`,
      `sqs:SendMessage ${queue}`,
    ]);
    const [role] = resourcesOf(template, "AWS::IAM::Role");
    expect(role?.Properties).not.toHaveProperty("ManagedPolicyArns");
  });

  it("packs the bundle and nothing else", () => {
    expect(zipEntries(join(folder, "stream.zip"))).toEqual(["dist/handlers/stream.mjs"]);
  });
});

describe("npx serverless package, for an existing table in a VPC", () => {
  let template: Template;

  beforeAll(() => {
    ({ template } = packageWith(
      `streamArn=${EXISTING}`,
      "securityGroupIds=sg-1",
      "subnetIds=subnet-1, subnet-2",
    ));
  });

  it("makes no table and reads the given stream", () => {
    expect(resourcesOf(template, "AWS::DynamoDB::Table")).toEqual([]);
    const [mapping] = resourcesOf(template, "AWS::Lambda::EventSourceMapping");
    expect(mapping?.Properties.EventSourceArn).toBe(EXISTING);
    const streams = statementsOf(template).filter(({ Action }) => Action.includes("dynamodb:GetRecords"));
    expect(streams.map(({ Resource }) => Resource)).toEqual([[EXISTING]]);
  });

  it("knows the table of the ARN: under another name the nodes would listen elsewhere", () => {
    const [definition] = resourcesOf(template, "AWS::Lambda::Function");
    expect(definition?.Properties).toMatchObject({
      Environment: { Variables: { APP_MANAGER_DYNAMODB_TABLE: "apps" } },
    });
  });

  it("joins the VPC", () => {
    const [definition] = resourcesOf(template, "AWS::Lambda::Function");
    expect(definition?.Properties.VpcConfig).toEqual({
      SecurityGroupIds: ["sg-1"],
      SubnetIds: ["subnet-1", "subnet-2"],
    });
  });

  it("refuses half a VPC, saying so", () => {
    expect(() => packageWith("subnetIds=subnet-1")).toThrow(/securityGroupIds and subnetIds together/);
  });
});

describe("npx serverless deploy", () => {
  it("is refused without a Redis, before anything is called", () => {
    expect(() => {
      serverlessRun("deploy");
    }).toThrow(/expected the Redis that the soketi nodes use/);
  });
});
