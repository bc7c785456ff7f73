import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../support/fleet.ts";
import {
  asOptions,
  findings,
  packaged,
  resourcesOf,
  serverless,
  statementsOf,
  type Template,
  tooWide,
} from "../support/serverless.ts";
import "../support/background.ts";

const STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/apps/stream/2026-01-01T00:00:00.000";
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:ops";
const folders: string[] = [];

async function packageWith(parameters: Record<string, string>, ...options: string[]) {
  const made = await packaged(parameters, ...options);
  folders.push(made.folder);
  return made;
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

/** `<action> <resource>`, sorted, of all that a role may do. */
const mayDo = (template: Template, role: string) =>
  statementsOf(template, role)
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action, Resource }) =>
      Action.flatMap((action) => Resource.map((resource) => `${action} ${JSON.stringify(resource)}`)),
    )
    .sort();

const environmentOf = (template: Template) =>
  (template.Resources.StreamLambdaFunction?.Properties.Environment as { Variables: unknown }).Variables;
const own = (service: string, resource: string) =>
  JSON.stringify({
    "Fn::Sub": `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`,
  });
const logsOf = (fn: string) => own("logs", `log-group:/aws/lambda/soketi-app-sync-dev-${fn}:*`);
const att = (id: string, attribute = "Arn") => JSON.stringify({ "Fn::GetAtt": [id, attribute] });

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describe("npx serverless package, with a table of its own", () => {
  let template: Template;
  let folder: string;
  let file: string;

  beforeAll(async () => {
    ({ template, folder, file } = await packageWith({
      redisUrl: "redis://cache:6379",
      tableName: "my-apps",
    }));
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
    const mapping = template.Resources.StreamEventSourceMappingDynamodbAppsTable;
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
    // A filter pattern could drop removals.
    expect(mapping?.Properties).not.toHaveProperty("FilterCriteria");
  });

  it("redrives what failed for four days, then keeps it", () => {
    expect(template.Resources.FailureQueue?.Properties).toMatchObject({
      MessageRetentionPeriod: 14 * 24 * 60 * 60,
      RedrivePolicy: {
        deadLetterTargetArn: { "Fn::GetAtt": ["DeadLetterQueue", "Arn"] },
        maxReceiveCount: 1000,
      },
    });
    expect(template.Resources.DeadLetterQueue?.Properties.MessageRetentionPeriod).toBe(14 * 24 * 60 * 60);
    expect(template.Resources.RedriveEventSourceMappingSQSFailureQueue?.Properties).toMatchObject({
      EventSourceArn: { "Fn::GetAtt": ["FailureQueue", "Arn"] },
      BatchSize: 5,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 2 },
    });
    // What Lambda asks for: shorter, and a message is handed out again while it is still worked on.
    const redrive = template.Resources.RedriveLambdaFunction?.Properties.Timeout as number;
    expect(template.Resources.FailureQueue?.Properties.VisibilityTimeout).toBeGreaterThanOrEqual(6 * redrive);
  });

  it("runs on arm64 with Node 24, with no VPC, and knows its table and Redis", () => {
    expect(template.Resources.StreamLambdaFunction?.Properties).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Timeout: 30,
      Handler: "dist/handlers/stream.handler",
    });
    expect(environmentOf(template)).toEqual({
      REDIS_URL: "redis://cache:6379",
      APP_MANAGER_DYNAMODB_TABLE: "my-apps",
      APP_SYNC_LOG_LENGTH: "10000",
      APP_SYNC_LOG_BYTES: "33554432",
      SHARED_CACHE: "off",
      POWERTOOLS_LOG_LEVEL: "INFO",
      POWERTOOLS_METRICS_NAMESPACE: "soketi-app-sync",
      POWERTOOLS_SERVICE_NAME: "soketi-app-sync-dev",
    });
    for (const definition of resourcesOf(template, "AWS::Lambda::Function")) {
      expect(definition.Properties).not.toHaveProperty("VpcConfig");
      expect(definition.Properties).not.toHaveProperty("ReservedConcurrentExecutions");
    }
    const logs = resourcesOf(template, "AWS::Logs::LogGroup");
    expect(logs.map(({ Properties }) => Properties.RetentionInDays)).toEqual([30, 30, 30]);
  });

  it("sweeps no shared cache that there is not", () => {
    expect(Object.keys(template.Resources).filter((name) => name.startsWith("Sweep"))).toEqual([]);
  });

  it("gives each function a role for what that function does", () => {
    const stream = att("AppsTable", "StreamArn");
    expect(mayDo(template, "StreamRole")).toEqual([
      `dynamodb:DescribeStream ${stream}`,
      `dynamodb:GetRecords ${stream}`,
      `dynamodb:GetShardIterator ${stream}`,
      `dynamodb:ListStreams ${stream}`,
      `logs:CreateLogStream ${logsOf("stream")}`,
      `logs:PutLogEvents ${logsOf("stream")}`,
      `sqs:SendMessage ${att("FailureQueue")}`,
    ]);
    expect(mayDo(template, "RedriveRole")).toEqual([
      `dynamodb:DescribeStream ${stream}`,
      `dynamodb:GetRecords ${stream}`,
      `dynamodb:GetShardIterator ${stream}`,
      `logs:CreateLogStream ${logsOf("redrive")}`,
      `logs:PutLogEvents ${logsOf("redrive")}`,
      `sqs:DeleteMessage ${att("FailureQueue")}`,
      `sqs:GetQueueAttributes ${att("FailureQueue")}`,
      `sqs:ReceiveMessage ${att("FailureQueue")}`,
    ]);
    const roles = resourcesOf(template, "AWS::IAM::Role");
    expect(roles).toHaveLength(3);
    for (const role of roles) expect(role.Properties).not.toHaveProperty("ManagedPolicyArns");
    expect(tooWide(template)).toEqual([]);
  });

  it("lets the canary write its own item and nothing else of the table", () => {
    const ofTable = statementsOf(template, "CanaryRole").filter(({ Action }) =>
      Action.some((action) => action.startsWith("dynamodb:")),
    );
    expect(ofTable).toEqual([
      {
        Sid: "WriteItsItem",
        Effect: "Allow",
        Action: ["dynamodb:PutItem"],
        Resource: [{ "Fn::GetAtt": ["AppsTable", "Arn"] }],
        Condition: {
          "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["app-sync-canary"] },
          Null: { "dynamodb:LeadingKeys": "false" },
        },
      },
    ]);
    expect(mayDo(template, "CanaryRole").map((line) => line.split(" ")[0])).toEqual([
      "dynamodb:PutItem",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
    ]);
  });

  it("runs the canary once a minute, and never twice at once or late", () => {
    const [rule] = resourcesOf(template, "AWS::Events::Rule");
    expect(rule?.Properties.ScheduleExpression).toBe("rate(1 minute)");
    expect(template.Resources.CanaryLambdaFunction?.Properties.Timeout).toBe(30);
    const [invoke] = resourcesOf(template, "AWS::Lambda::EventInvokeConfig");
    expect(invoke?.Properties).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
  });

  it("packs each function's bundle and nothing else", () => {
    expect(zipEntries(join(folder, "stream.zip"))).toEqual(["dist/handlers/stream.mjs"]);
    expect(zipEntries(join(folder, "redrive.zip"))).toEqual(["dist/handlers/redrive.mjs"]);
    expect(zipEntries(join(folder, "canary.zip"))).toEqual(["dist/handlers/canary.mjs"]);
  });

  it("has alarms without actions, where no topic is named", () => {
    const alarms = resourcesOf(template, "AWS::CloudWatch::Alarm");
    expect(alarms.length).toBeGreaterThan(10);
    for (const alarm of alarms) expect(alarm.Properties).not.toHaveProperty("AlarmActions");
  });

  it("is a template that CloudFormation takes", () => {
    expect(findings(file)).toEqual([]);
  });

  it("would be told otherwise", () => {
    const wrong = structuredClone(template) as {
      Resources: Record<string, { Properties: Record<string, unknown> }>;
    };
    const { FailureQueue, StreamLambdaFunction } = wrong.Resources;
    if (!FailureQueue || !StreamLambdaFunction) throw new Error("the template lacks what this test spoils");
    FailureQueue.Properties.VisibilityTimeout = 1_000_000;
    StreamLambdaFunction.Properties.Role = { "Fn::GetAtt": ["NoSuchRole", "Arn"] };
    const spoiled = join(folder, "spoiled.json");
    writeFileSync(spoiled, JSON.stringify(wrong));
    expect(findings(spoiled).join("\n")).toMatch(
      /FailureQueue.*VisibilityTimeout[\s\S]*NoSuchRole|NoSuchRole[\s\S]*FailureQueue.*VisibilityTimeout/,
    );
  });
});

describe("npx serverless package, for an existing table in a VPC, with everything on", () => {
  let template: Template;
  let file: string;
  const key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

  beforeAll(async () => {
    const parameters = {
      redisUrl: "rediss://cache:6379",
      redisSecretId: "redis/apps",
      redisKmsKeyArn: key,
      streamArn: STREAM,
      tableKmsKeyArn: key,
      securityGroupIds: "sg-0123456789abcdef0",
      subnetIds: "subnet-0123456789abcdef0, subnet-0123456789abcdef1",
      sharedCache: "refresh",
      redisKeyPrefix: "soketi:",
      sweepSchedule: "rate(30 minutes)",
      alarmTopicArn: TOPIC,
      reservedConcurrency: "3",
      logRetentionDays: "7",
    };
    ({ template, file } = await packageWith(parameters, "--region", "eu-west-1", "--stage", "prod"));
  });

  it("makes no table and reads the given stream", () => {
    expect(resourcesOf(template, "AWS::DynamoDB::Table")).toEqual([]);
    expect(template.Resources.StreamEventSourceMappingDynamodbApps?.Properties.EventSourceArn).toBe(STREAM);
  });

  it("knows the table of the ARN, under another name the nodes would listen elsewhere; and the shared cache", () => {
    expect(environmentOf(template)).toMatchObject({
      APP_MANAGER_DYNAMODB_TABLE: "apps",
      REDIS_SECRET_ID: "redis/apps",
      SHARED_CACHE: "refresh",
      DB_REDIS_KEY_PREFIX: "soketi:",
      APP_MANAGER_CACHE_TTL: "-1",
    });
  });

  it("joins the VPC, with all four functions", () => {
    const functions = resourcesOf(template, "AWS::Lambda::Function");
    expect(functions).toHaveLength(4);
    for (const { Properties } of functions) {
      expect(Properties.VpcConfig).toEqual({
        SecurityGroupIds: ["sg-0123456789abcdef0"],
        SubnetIds: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
      });
    }
    expect(template.Resources.StreamLambdaFunction?.Properties.ReservedConcurrentExecutions).toBe(3);
  });

  it("lets Lambda, and not the code, manage network interfaces", () => {
    const denied = statementsOf(template, "StreamRole").filter(({ Effect }) => Effect === "Deny");
    expect(denied).toMatchObject([
      {
        Condition: {
          ArnEquals: {
            "lambda:SourceFunctionArn": JSON.parse(
              own("lambda", "function:soketi-app-sync-prod-stream"),
            ) as unknown,
          },
        },
      },
    ]);
    const allowed = mayDo(template, "StreamRole").filter((line) => line.startsWith("ec2:"));
    const actions = new Set(allowed.map((line) => line.split(" ")[0]));
    expect([...(denied[0]?.Action ?? [])].sort()).toEqual([...actions].sort());
  });

  it("gives each role the table, the secret and the keys", () => {
    const table = JSON.stringify("arn:aws:dynamodb:eu-west-1:123456789012:table/apps");
    const common = [
      `kms:Decrypt ${JSON.stringify(key)}`,
      `kms:Decrypt ${JSON.stringify(key)}`,
      `secretsmanager:GetSecretValue ${own("secretsmanager", "secret:redis/apps-??????")}`,
    ];
    for (const role of ["StreamRole", "RedriveRole", "SweepRole", "CanaryRole"]) {
      expect(mayDo(template, role)).toEqual(expect.arrayContaining(common));
    }
    // A record tells the function how its app is now; a range that is read again does not.
    const readsTable = ["StreamRole", "RedriveRole", "SweepRole"].filter((role) =>
      mayDo(template, role).includes(`dynamodb:BatchGetItem ${table}`),
    );
    expect(readsTable).toEqual(["RedriveRole", "SweepRole"]);
    expect(mayDo(template, "SweepRole").filter((line) => line.startsWith("dynamodb:"))).toEqual([
      `dynamodb:BatchGetItem ${table}`,
      `dynamodb:Scan ${table}`,
    ]);
    expect(tooWide(template)).toEqual([]);
  });

  it("sweeps on schedule, and tells when it does not", () => {
    expect(resourcesOf(template, "AWS::Events::Rule")[0]?.Properties.ScheduleExpression).toBe(
      "rate(30 minutes)",
    );
    expect(template.Resources.SweepNotRunAlarm?.Properties).toMatchObject({
      Period: 1800,
      EvaluationPeriods: 2,
      TreatMissingData: "breaching",
    });
  });

  it("sends every alarm, and its end, to the topic", () => {
    for (const { Properties } of resourcesOf(template, "AWS::CloudWatch::Alarm")) {
      expect(Properties).toMatchObject({ AlarmActions: [TOPIC], OKActions: [TOPIC] });
    }
  });

  it("has the stage in every name, and nothing of an account or region that was not given", () => {
    const names = Object.values(template.Resources).flatMap(({ Properties }) =>
      Object.entries(Properties)
        .filter(([name]) => /^(FunctionName|QueueName|AlarmName|DashboardName|LogGroupName)$/.test(name))
        .map(([, value]) => JSON.stringify(value))
        .filter((value) => !value.includes("LambdaFunction")),
    );
    expect(names.length).toBeGreaterThan(25);
    expect(names.filter((name) => !name.includes("soketi-app-sync-prod"))).toEqual([]);
    const given = [STREAM, STREAM.replace(/\/stream.*/, ""), TOPIC, key];
    const others = given.reduce((text, arn) => text.replaceAll(`"${arn}"`, ""), JSON.stringify(template));
    expect(others).not.toMatch(/123456789012|eu-west-1|arn:aws:/);
  });

  it("is a template that CloudFormation takes", () => {
    expect(findings(file)).toEqual([]);
  });
});

describe.each([
  [
    "a parameter of SSM",
    { redisPasswordParameter: "/redis/password" },
    ["ssm:GetParameter", own("ssm", "parameter/redis/password")],
  ],
  [
    "IAM, at a replication group",
    { redisIamCacheName: "apps", redisUsername: "app-sync" },
    ["elasticache:Connect", own("elasticache", "replicationgroup:apps"), own("elasticache", "user:app-sync")],
  ],
  [
    "IAM, at a serverless cache",
    { redisIamCacheName: "apps", redisIamServerless: "on", redisUsername: "app-sync" },
    ["elasticache:Connect", own("elasticache", "serverlesscache:apps"), own("elasticache", "user:app-sync")],
  ],
])("npx serverless package, with a login by %s", (_, login, [action = "", ...resources]) => {
  it("permits that, and no other login", async () => {
    const { template, file } = await packageWith({ redisUrl: "rediss://cache:6379", ...login });
    for (const role of ["StreamRole", "RedriveRole"]) {
      const logins = mayDo(template, role).filter((line) => !/^(dynamodb|sqs|logs):/.test(line));
      expect(logins).toEqual(resources.map((resource) => `${action} ${resource}`));
    }
    expect(findings(file)).toEqual([]);
  });
});

describe("docs/network.yml", () => {
  it("is a template that CloudFormation takes", () => {
    expect(findings(join(root, "docs/network.yml"))).toEqual([]);
  });
});

describe("npx serverless deploy", () => {
  it("is refused without a Redis, before anything is called", async () => {
    await expect(serverless(["deploy"])).rejects.toThrow(/expected the Redis that the soketi nodes use/);
  });

  it("tells all mistakes at once, and no password", async () => {
    const parameters = asOptions({
      redisUrl: "rediss://u:hunter2@h",
      subnetIds: "subnet-1",
      sharedCache: "yes",
    });
    const error = await serverless(["deploy", ...parameters]).then(
      () => "",
      (reason: unknown) => String(reason).replace(/^.*?: The parameters/s, "The parameters"),
    );
    expect(error).toMatch(/redisUrl: .*no password/);
    expect(error).toMatch(/securityGroupIds and subnetIds/);
    expect(error).toMatch(/sharedCache: expected off, evict or refresh, found "yes"/);
    expect(error.slice(error.indexOf("The parameters are wrong"))).not.toContain("hunter2");
  });

  it("takes the stage's parameters from a file; the command line comes first", async () => {
    const file = join(root, "serverless.params.test-of-file.json");
    writeFileSync(file, JSON.stringify({ redisUrl: "redis://from-file:6379", tableName: "from-file" }));
    try {
      const { template } = await packageWith({ tableName: "from-line" }, "--stage", "test-of-file");
      expect(environmentOf(template)).toMatchObject({
        REDIS_URL: "redis://from-file:6379",
        APP_MANAGER_DYNAMODB_TABLE: "from-line",
      });
    } finally {
      rmSync(file);
    }
  });
});
