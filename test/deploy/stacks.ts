import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  CreateStackCommand,
  DescribeStacksCommand,
  waitUntilStackCreateComplete,
} from "@aws-sdk/client-cloudformation";
import { GetDashboardCommand } from "@aws-sdk/client-cloudwatch";
import { DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CreateTableCommand, DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { ListRulesCommand, ListTargetsByRuleCommand } from "@aws-sdk/client-eventbridge";
import { GetFunctionCommand, GetPolicyCommand } from "@aws-sdk/client-lambda";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { asOptions, resourcesOf, serverless, type Template } from "../support/serverless.ts";
import type { Account } from "./account.ts";
import type { Report } from "./report.ts";

const root = new URL("../../", import.meta.url);

/** What moto's CloudFormation passes over, and what is done about it here. */
const LACKS: Readonly<Record<string, string>> = {
  "AWS::CloudWatch::Alarm":
    "read in the template that the stack holds: each watches something that the stack made",
  "AWS::Lambda::EventInvokeConfig": "of the canary; read in the template by test/real/package.test.ts",
  "AWS::S3::BucketPolicy": "osls's own (TLS only); validated in the template",
  "AWS::ElastiCache::SubnetGroup": "of docs/network.yml; validated in the template",
  "AWS::ElastiCache::User": "of docs/network.yml; validated in the template",
  "AWS::ElastiCache::UserGroup": "of docs/network.yml; validated in the template",
  "AWS::ElastiCache::ReplicationGroup": "of docs/network.yml; validated in the template",
  "AWS::SecretsManager::Secret": "of docs/network.yml; validated in the template",
};

export interface Deployer {
  readonly account: Account;
  readonly environment: Readonly<Record<string, string>>;
  readonly region: string;
}

type Parameters = Readonly<Record<string, string>>;
const stackOf = (stage: string) => `soketi-app-sync-${stage}`;

export function deploy(
  { environment, region }: Deployer,
  stage: string,
  parameters: Parameters,
): Promise<string> {
  // osls asks every 5 s by default how far the stack is.
  const quick = { ...environment, SLS_AWS_MONITORING_FREQUENCY: "100" };
  return serverless(["deploy", "--stage", stage, "--region", region, ...asOptions(parameters)], quick);
}

/** `serverless rollback` to the deployment before the last. */
export async function rollBack({ environment, region }: Deployer, stage: string): Promise<void> {
  const quick = { ...environment, SLS_AWS_MONITORING_FREQUENCY: "100" };
  const where = ["--stage", stage, "--region", region];
  const list = await serverless(["deploy", "list", ...where], quick);
  const timestamps = [...list.matchAll(/^Timestamp: (\d+)/gm)].map(([, timestamp = ""]) => timestamp);
  assert.ok(timestamps.length >= 2, list);
  await serverless(["rollback", ...where, "--timestamp", timestamps.at(-2) ?? ""], quick);
}

/** Without the parameters: whoever removes a stack need not know how it was made. */
export function remove({ environment, region }: Deployer, stage: string): Promise<string> {
  const quick = { ...environment, SLS_AWS_MONITORING_FREQUENCY: "100" };
  return serverless(["remove", "--stage", stage, "--region", region], quick);
}

/** The network of docs/network.yml, as far as moto makes it. */
export async function makeNetwork({ account }: Deployer): Promise<Parameters> {
  const TemplateBody = readFileSync(new URL("docs/network.yml", root), "utf8");
  await account.cloudformation.send(new CreateStackCommand({ StackName: "soketi-network", TemplateBody }));
  await waitUntilStackCreateComplete(
    { client: account.cloudformation, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
    { StackName: "soketi-network" },
  );
  const made = await account.made("soketi-network");
  const id = (name: string) => made.get(name) ?? "";
  return { securityGroupIds: id("ClientGroup"), subnetIds: `${id("SubnetA")},${id("SubnetB")}` };
}

/** An apps table that was there before, with its stream on. */
export async function makeTable({ account }: Deployer, TableName: string): Promise<string> {
  await account.dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "AppId", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "AppId", KeyType: "HASH" }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    }),
  );
  const { Table } = await account.dynamodb.send(new DescribeTableCommand({ TableName }));
  return Table?.LatestStreamArn ?? "";
}

/** What a stage is meant to be. */
export interface Expected {
  readonly stage: string;
  readonly table: string;
  readonly streamArn: string;
  readonly functions: readonly ("stream" | "redrive" | "sweep" | "canary")[];
  readonly environment: Readonly<Record<string, string>>;
  readonly subnets: readonly string[];
  /** Actions that the stream function's role allows beside those of every stage. */
  readonly moreOfStream: readonly string[];
}

/** Reads a stage back through AWS's clients: everything that moto made of it. */
export async function proveStage(report: Report, deployer: Deployer, expected: Expected): Promise<void> {
  const { account, region } = deployer;
  const stack = stackOf(expected.stage);
  const made = await account.made(stack);
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:123456789012:${resource}`;
  const check = (what: string, run: () => unknown) => report.check(`${expected.stage}: ${what}`, run);

  for (const fn of expected.functions) {
    const FunctionName = `${stack}-${fn}`;
    const role = made.get(`${fn.charAt(0).toUpperCase()}${fn.slice(1)}Role`) ?? "";
    await check(`function ${fn}: runtime, code, environment, network, role`, async () => {
      const { Configuration: is } = await account.lambda.send(new GetFunctionCommand({ FunctionName }));
      assert.equal(is?.Runtime, "nodejs24.x");
      assert.equal(is.Handler, `dist/handlers/${fn}.handler`);
      assert.equal(is.Timeout, { stream: 30, redrive: 60, sweep: 900, canary: 30 }[fn]);
      assert.equal(is.MemorySize, { stream: 256, redrive: 256, sweep: 512, canary: 256 }[fn]);
      assert.equal(is.Role, `arn:aws:iam::123456789012:role/${role}`);
      assert.deepEqual(is.VpcConfig?.SubnetIds ?? [], expected.subnets);
      const variables = is.Environment?.Variables ?? {};
      assert.deepEqual({ ...variables, ...expected.environment }, variables);
      assert.equal(variables.APP_MANAGER_DYNAMODB_TABLE, expected.table);
      assert.equal(variables.POWERTOOLS_SERVICE_NAME, stack);
      const zip = readFileSync(new URL(`.serverless/${fn}.zip`, root));
      assert.equal(
        is.CodeSha256,
        createHash("sha256").update(zip).digest("base64"),
        "not the code just packaged",
      );
    });
    await check(`function ${fn}: logs for 30 days, into its own group`, async () => {
      const prefix = { logGroupNamePrefix: `/aws/lambda/${FunctionName}` };
      const { logGroups } = await account.logs.send(new DescribeLogGroupsCommand(prefix));
      assert.deepEqual(
        logGroups?.map(({ retentionInDays }) => retentionInDays),
        [30],
      );
      const writes = (await account.statements(role)).find(({ Sid }) => Sid === "WriteLogs");
      assert.deepEqual(writes?.Resource, [arn("logs", `log-group:/aws/lambda/${FunctionName}:*`)]);
    });
  }

  await check("the role of stream: its stream, its queue, and no more", async () => {
    const statements = await account.statements(made.get("StreamRole") ?? "");
    const find = (sid: string) => statements.find(({ Sid }) => Sid === sid)?.Resource;
    assert.deepEqual(find("ReadStream"), [expected.streamArn]);
    assert.deepEqual(find("KeepFailures"), [arn("sqs", `${stack}-failures`)]);
    const actions = statements.filter(({ Effect }) => Effect === "Allow").flatMap(({ Action }) => Action);
    const always = [
      "dynamodb:DescribeStream",
      "dynamodb:GetRecords",
      "dynamodb:GetShardIterator",
      "dynamodb:ListStreams",
    ];
    const logs = ["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"];
    assert.deepEqual(actions.sort(), [...always, ...logs, ...expected.moreOfStream].sort());
  });

  await check("the mapping of the stream loses nothing", async () => {
    const [mapping, ...others] = await account.mappings(`${stack}-stream`);
    assert.deepEqual(others, []);
    assert.equal(mapping?.EventSourceArn, expected.streamArn);
    assert.equal(mapping.StartingPosition, "TRIM_HORIZON");
    assert.equal(mapping.BatchSize, 100);
    assert.equal(mapping.MaximumRetryAttempts, -1);
    assert.equal(mapping.MaximumRecordAgeInSeconds, 3600);
    assert.equal(mapping.BisectBatchOnFunctionError, true);
    assert.deepEqual(mapping.FunctionResponseTypes, ["ReportBatchItemFailures"]);
    assert.equal(mapping.DestinationConfig?.OnFailure?.Destination, arn("sqs", `${stack}-failures`));
    assert.equal(mapping.State, "Enabled");
  });

  await check("the mapping of the failure queue redrives", async () => {
    const [mapping] = await account.mappings(`${stack}-redrive`);
    assert.equal(mapping?.EventSourceArn, arn("sqs", `${stack}-failures`));
    assert.equal(mapping.BatchSize, 5);
    assert.equal(mapping.ScalingConfig?.MaximumConcurrency, 2);
    assert.deepEqual(mapping.FunctionResponseTypes, ["ReportBatchItemFailures"]);
  });

  await check("the queues keep what failed", async () => {
    const attributes = async (id: string) => {
      const asked = new GetQueueAttributesCommand({ QueueUrl: made.get(id) ?? "", AttributeNames: ["All"] });
      return (await account.sqs.send(asked)).Attributes ?? {};
    };
    const failures = await attributes("FailureQueue");
    assert.equal(failures.MessageRetentionPeriod, "1209600");
    assert.equal(failures.VisibilityTimeout, "360");
    assert.deepEqual(JSON.parse(failures.RedrivePolicy ?? ""), {
      deadLetterTargetArn: arn("sqs", `${stack}-dead-letters`),
      maxReceiveCount: 1000,
    });
    assert.equal((await attributes("DeadLetterQueue")).MessageRetentionPeriod, "1209600");
  });

  await check("what runs on a schedule does, may be invoked, and nothing else is scheduled", async () => {
    const { Rules = [] } = await account.events.send(new ListRulesCommand({ NamePrefix: `${stack}-` }));
    const schedules = new Map<string, string>();
    for (const { Name = "", Arn = "no ARN", State, ScheduleExpression = "" } of Rules) {
      assert.equal(State, "ENABLED");
      const { Targets = [] } = await account.events.send(new ListTargetsByRuleCommand({ Rule: Name }));
      for (const { Arn: target = "" } of Targets) {
        const FunctionName = target.split(":").at(-1) ?? "";
        assert.equal(target, arn("lambda", `function:${FunctionName}`));
        const { Policy } = await account.lambda.send(new GetPolicyCommand({ FunctionName }));
        assert.ok(Policy?.includes(Arn));
        schedules.set(FunctionName.replace(`${stack}-`, ""), ScheduleExpression);
      }
    }
    const all = { sweep: "rate(1 hour)", canary: "rate(1 minute)" };
    const due = Object.entries(all).filter(([fn]) => expected.functions.some((one) => one === fn));
    assert.deepEqual(Object.fromEntries(schedules), Object.fromEntries(due));
  });

  if (expected.functions.includes("canary")) {
    await check("the role of canary: its own item, and no more of the table", async () => {
      const statements = await account.statements(made.get("CanaryRole") ?? "");
      const ofTable = statements.filter(({ Action }) => Action.some((one) => one.startsWith("dynamodb:")));
      assert.deepEqual(
        ofTable.map(({ Action, Resource }) => [Action, Resource]),
        [[["dynamodb:PutItem"], [arn("dynamodb", `table/${expected.table}`)]]],
      );
      assert.match(
        JSON.stringify(ofTable),
        /"ForAllValues:StringEquals":\{"dynamodb:LeadingKeys":\["app-sync-canary"\]/,
      );
    });
  }

  await check("the dashboard shows this stage's functions and metrics", async () => {
    const asked = new GetDashboardCommand({ DashboardName: `${stack}-${region}` });
    const { DashboardBody } = await account.cloudwatch.send(asked);
    const { widgets } = JSON.parse(DashboardBody ?? "") as { widgets: { properties: { region: string } }[] };
    assert.ok(widgets.length >= 8);
    assert.ok(widgets.every(({ properties }) => properties.region === region));
    for (const fn of expected.functions) assert.ok(DashboardBody?.includes(`"${stack}-${fn}"`));
  });

  const template = await account.template(stack);
  await check("every alarm watches what the stack made", () => {
    const alarms = resourcesOf(template, "AWS::CloudWatch::Alarm");
    assert.ok(alarms.length >= 13);
    for (const { Properties } of alarms) assertWatches(template, made, Properties);
  });

  await check("moto made the rest of the template", () => {
    const missing = Object.entries(template.Resources)
      .filter(([id]) => !made.has(id))
      .map(([, { Type }]) => Type);
    assert.deepEqual(
      missing.filter((type) => !(type in LACKS)),
      [],
    );
  });

  await check("the stack has its tags", async () => {
    const { Stacks } = await account.cloudformation.send(new DescribeStacksCommand({ StackName: stack }));
    assert.deepEqual(Stacks?.[0]?.Tags, [
      { Key: "service", Value: "soketi-app-sync" },
      { Key: "stage", Value: expected.stage },
    ]);
  });
}

/** Its dimensions are of a function or queue that exists, or are the stage's own. */
function assertWatches(
  template: Template,
  made: ReadonlyMap<string, string>,
  alarm: Record<string, unknown>,
): void {
  interface Metric {
    readonly Dimensions: { readonly Name: string; readonly Value: unknown }[];
  }
  const inside = (alarm.Metrics as { MetricStat?: { Metric: Metric } }[] | undefined) ?? [];
  const metrics = [
    alarm as unknown as Metric,
    ...inside.flatMap(({ MetricStat }) => (MetricStat ? [MetricStat.Metric] : [])),
  ];
  const dimensions = metrics.flatMap(({ Dimensions = [] }: Partial<Metric>) => Dimensions);
  assert.ok(dimensions.length > 0, String(alarm.AlarmName));
  for (const { Name, Value } of dimensions) {
    if (typeof Value === "string") {
      assert.equal(Name, "service");
      assert.ok(JSON.stringify(template).includes(`"POWERTOOLS_SERVICE_NAME":"${Value}"`), Value);
    } else {
      const { Ref, "Fn::GetAtt": att } = Value as { Ref?: string; "Fn::GetAtt"?: string[] };
      const id = Ref ?? att?.[0] ?? "";
      assert.ok(made.get(id), `${String(alarm.AlarmName)} watches ${id}, which was not made`);
    }
  }
}

export function printLacks(): void {
  console.log("\nNot made by moto, and so not read back:");
  for (const [type, instead] of Object.entries(LACKS)) console.log(`  ${type}: ${instead}`);
  console.log(
    "  Lambda's architecture: moto's CloudFormation takes it for x86_64; arm64 is asserted in the template",
  );
  console.log("  invocations: the functions run against real parts in npm test and npm start");
}
