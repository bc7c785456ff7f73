import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const serverless = join(
  dirname(createRequire(import.meta.url).resolve("serverless/package.json")),
  "bin",
  "serverless.js",
);
const STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/apps/stream/2026-01-01T00:00:00.000";
const folders: string[] = [];

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** What `serverless package` would deploy. */
interface Package {
  readonly resources: Readonly<Record<string, Resource>>;
  readonly files: readonly string[];
}

interface Statement {
  readonly Action: readonly string[];
  readonly Resource: readonly unknown[];
}

afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

/** Without credentials, and with a network address that nobody answers. */
async function serverlessPackage(...parameters: string[]): Promise<Package> {
  const folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-package-"));
  folders.push(folder);
  const named = parameters.flatMap((parameter) => ["--param", parameter]);
  await promisify(execFile)(process.execPath, [serverless, "package", "--package", folder, ...named], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      APP_SYNC_BUILT: "1",
      AWS_EC2_METADATA_DISABLED: "true",
      HTTPS_PROXY: "http://127.0.0.1:9",
    },
  });
  const template = await readFile(join(folder, "cloudformation-template-update-stack.json"), "utf8");
  const { Resources } = JSON.parse(template) as { Resources: Record<string, Resource> };
  return { resources: Resources, files: zipNames(await readFile(join(folder, "stream.zip"))) };
}

/** The file names in a zip's central directory. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT 4.3.12 */
function zipNames(zip: Buffer): string[] {
  const names: string[] = [];
  const signature = Buffer.from([0x50, 0x4b, 0x01, 0x02]);
  for (let at = zip.indexOf(signature); at >= 0; at = zip.indexOf(signature, at + 46)) {
    names.push(zip.toString("utf8", at + 46, at + 46 + zip.readUInt16LE(at + 28)));
  }
  return names;
}

function only({ resources }: Package, type: string): Resource {
  const found = Object.values(resources).filter((resource) => resource.Type === type);
  const [one] = found;
  if (one === undefined || found.length > 1) {
    throw new Error(`expected one resource of type ${type}, found ${found.length}`);
  }
  return one;
}

/** What the function's role allows apart from its logs. */
function statements(made: Package): Statement[] {
  const { Policies } = only(made, "AWS::IAM::Role").Properties as {
    Policies: { PolicyDocument: { Statement: Statement[] } }[];
  };
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).filter(
    ({ Action }) => !Action.every((action) => action.startsWith("logs:")),
  );
}

const QUEUE = { "Fn::GetAtt": ["FailureQueue", "Arn"] };
const MAPPING = {
  Enabled: true,
  BatchSize: 100,
  MaximumBatchingWindowInSeconds: 0,
  ParallelizationFactor: 1,
  StartingPosition: "TRIM_HORIZON",
  MaximumRetryAttempts: -1,
  MaximumRecordAgeInSeconds: 3600,
  BisectBatchOnFunctionError: true,
  FunctionResponseTypes: ["ReportBatchItemFailures"],
  DestinationConfig: { OnFailure: { Destination: QUEUE } },
};
const STREAM_ACTIONS = [
  "dynamodb:GetRecords",
  "dynamodb:GetShardIterator",
  "dynamodb:DescribeStream",
  "dynamodb:ListStreams",
];

describe("with a table of its own", () => {
  const arn = { "Fn::GetAtt": ["AppsTable", "StreamArn"] };
  let made: Package;
  beforeAll(async () => {
    made = await serverlessPackage("redisUrl=rediss://cache.example:6379");
  });

  it("makes soketi's documented table, with both images in its stream, that outlives the stack", () => {
    const table = only(made, "AWS::DynamoDB::Table");

    expect(table).toMatchObject({ DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
    expect(table.Properties).toMatchObject({
      TableName: "soketi-apps-dev",
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
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it("reads its stream from the beginning, for an hour, and loses nothing", () => {
    expect(only(made, "AWS::Lambda::EventSourceMapping").Properties).toEqual({
      ...MAPPING,
      EventSourceArn: arn,
      FunctionName: { "Fn::GetAtt": ["StreamLambdaFunction", "Arn"] },
    });
    expect(only(made, "AWS::SQS::Queue").Properties).toMatchObject({
      MessageRetentionPeriod: 14 * 24 * 3600,
    });
  });

  it("runs the bundle, and nothing else, on arm64", () => {
    const { Properties } = only(made, "AWS::Lambda::Function");

    expect(Properties).toMatchObject({
      Handler: "dist/handlers/stream.handler",
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Timeout: 30,
      MemorySize: 256,
      Environment: {
        Variables: {
          REDIS_URL: "rediss://cache.example:6379",
          APP_MANAGER_DYNAMODB_TABLE: "soketi-apps-dev",
        },
      },
    });
    expect(Properties).not.toHaveProperty("VpcConfig");
    expect(made.files).toEqual(["dist/handlers/stream.mjs"]);
    expect(only(made, "AWS::Logs::LogGroup").Properties).toMatchObject({ RetentionInDays: 30 });
  });

  it("may read that stream and write to the queue, no more", () => {
    expect(statements(made)).toEqual([
      expect.objectContaining({ Action: STREAM_ACTIONS, Resource: [arn] }),
      expect.objectContaining({ Action: ["sqs:ListQueues", "sqs:SendMessage"], Resource: [QUEUE] }),
    ]);
    expect(only(made, "AWS::IAM::Role").Properties).not.toHaveProperty("ManagedPolicyArns");
  });
});

describe("with an existing table's stream, in a VPC", () => {
  let made: Package;
  beforeAll(async () => {
    made = await serverlessPackage(
      "redisUrl=redis://cache:6379",
      `streamArn=${STREAM}`,
      "tableName=apps",
      "subnetIds=subnet-1, subnet-2",
      "securityGroupIds=sg-1",
    );
  });

  it("makes no table, and reads that stream with the same settings", () => {
    expect(Object.values(made.resources).map(({ Type }) => Type)).not.toContain("AWS::DynamoDB::Table");
    expect(only(made, "AWS::Lambda::EventSourceMapping").Properties).toMatchObject({
      ...MAPPING,
      EventSourceArn: STREAM,
    });
    expect(statements(made)[0]).toMatchObject({ Action: STREAM_ACTIONS, Resource: [STREAM] });
    expect(statements(made)).toHaveLength(2);
  });

  it("runs in the VPC, for the table of that name", () => {
    expect(only(made, "AWS::Lambda::Function").Properties).toMatchObject({
      Environment: { Variables: { APP_MANAGER_DYNAMODB_TABLE: "apps" } },
      VpcConfig: { SubnetIds: ["subnet-1", "subnet-2"], SecurityGroupIds: ["sg-1"] },
    });
  });
});

it("half a VPC is refused", async () => {
  // osls tells its errors on the standard output.
  await expect(serverlessPackage("subnetIds=subnet-1")).rejects.toMatchObject({
    stdout: expect.stringContaining("expected securityGroupIds and subnetIds together") as string,
  });
});
