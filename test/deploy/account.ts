import { CloudFormationClient, DescribeStackResourcesCommand, GetTemplateCommand, ListStacksCommand } from "@aws-sdk/client-cloudformation"; // prettier-ignore
import { CloudWatchClient, ListDashboardsCommand } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, ListRulesCommand } from "@aws-sdk/client-eventbridge";
import {
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  ListRolesCommand,
} from "@aws-sdk/client-iam";
import {
  type EventSourceMappingConfiguration,
  LambdaClient,
  ListEventSourceMappingsCommand,
  ListFunctionsCommand,
} from "@aws-sdk/client-lambda";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Statement, Template } from "../support/serverless.ts";

/** What is in the emulated account, read with AWS's own clients. */
export class Account {
  readonly cloudformation: CloudFormationClient;
  readonly cloudwatch: CloudWatchClient;
  readonly logs: CloudWatchLogsClient;
  readonly dynamodb: DynamoDBClient;
  readonly events: EventBridgeClient;
  readonly iam: IAMClient;
  readonly lambda: LambdaClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;

  constructor(endpoint: string, region: string) {
    const config = {
      endpoint,
      region,
      // What the emulator gets wrong, it gets wrong each time.
      maxAttempts: 1,
      credentials: { accessKeyId: "testing", secretAccessKey: "testing" },
    };
    this.cloudformation = new CloudFormationClient(config);
    this.cloudwatch = new CloudWatchClient(config);
    this.logs = new CloudWatchLogsClient(config);
    this.dynamodb = new DynamoDBClient(config);
    this.events = new EventBridgeClient(config);
    this.iam = new IAMClient(config);
    this.lambda = new LambdaClient(config);
    this.s3 = new S3Client({ ...config, forcePathStyle: true });
    this.sqs = new SQSClient(config);
  }

  /** Every name of everything that a stack could have made. Sorted. */
  async everything(): Promise<string[]> {
    const [functions, mappings, roles, queues, rules, groups, dashboards, buckets, tables] =
      await Promise.all([
        this.lambda.send(new ListFunctionsCommand({})),
        this.lambda.send(new ListEventSourceMappingsCommand({})),
        this.iam.send(new ListRolesCommand({})),
        this.sqs.send(new ListQueuesCommand({})),
        this.events.send(new ListRulesCommand({})),
        this.logs.send(new DescribeLogGroupsCommand({})),
        this.cloudwatch.send(new ListDashboardsCommand({})),
        this.s3.send(new ListBucketsCommand({})),
        this.dynamodb.send(new ListTablesCommand({})),
      ]);
    const named = (kind: string, names: readonly (string | undefined)[] | undefined) =>
      (names ?? []).map((name) => `${kind} ${name ?? ""}`);
    return [
      ...named(
        "function",
        functions.Functions?.map(({ FunctionName }) => FunctionName),
      ),
      ...named(
        "mapping",
        mappings.EventSourceMappings?.map(({ FunctionArn, UUID }) => `${FunctionArn ?? ""} ${UUID ?? ""}`),
      ),
      ...named(
        "role",
        roles.Roles?.map(({ RoleName }) => RoleName),
      ),
      ...named(
        "queue",
        queues.QueueUrls?.map((url) => url.split("/").at(-1)),
      ),
      ...named(
        "rule",
        rules.Rules?.map(({ Name }) => Name),
      ),
      ...named(
        "log group",
        groups.logGroups?.map(({ logGroupName }) => logGroupName),
      ),
      ...named(
        "dashboard",
        dashboards.DashboardEntries?.map(({ DashboardName }) => DashboardName),
      ),
      ...named(
        "bucket",
        buckets.Buckets?.map(({ Name }) => Name),
      ),
      ...named("table", tables.TableNames),
    ].sort();
  }

  /** Names of the stacks that are not deleted. */
  async stacks(): Promise<string[]> {
    const { StackSummaries } = await this.cloudformation.send(new ListStacksCommand({}));
    return (StackSummaries ?? [])
      .filter(({ StackStatus }) => StackStatus !== "DELETE_COMPLETE")
      .map(({ StackName }) => StackName ?? "");
  }

  async template(stack: string): Promise<Template> {
    const { TemplateBody } = await this.cloudformation.send(new GetTemplateCommand({ StackName: stack }));
    return JSON.parse(TemplateBody ?? "") as Template;
  }

  /** Logical id -> physical id of what was made. */
  async made(stack: string): Promise<Map<string, string>> {
    const { StackResources } = await this.cloudformation.send(
      new DescribeStackResourcesCommand({ StackName: stack }),
    );
    return new Map(
      (StackResources ?? [])
        .filter(({ LogicalResourceId }) => LogicalResourceId)
        .map(({ LogicalResourceId, PhysicalResourceId }) => [
          LogicalResourceId ?? "",
          PhysicalResourceId ?? "",
        ]),
    );
  }

  /** What the inline policies of a role allow and deny, references resolved. */
  async statements(role: string): Promise<Statement[]> {
    const { PolicyNames } = await this.iam.send(new ListRolePoliciesCommand({ RoleName: role }));
    const policies = await Promise.all(
      (PolicyNames ?? []).map((PolicyName) =>
        this.iam.send(new GetRolePolicyCommand({ RoleName: role, PolicyName })),
      ),
    );
    // moto's CloudFormation keeps a policy as Python prints it: with single quotes.
    return policies.flatMap(({ PolicyDocument = "" }) => {
      const text = decodeURIComponent(PolicyDocument).replaceAll("'", '"');
      return (JSON.parse(text) as { Statement: Statement[] }).Statement;
    });
  }

  /** The event source mappings of a function. Filtered here: moto knows the function by its ARN only. */
  async mappings(functionName: string): Promise<EventSourceMappingConfiguration[]> {
    const { EventSourceMappings } = await this.lambda.send(new ListEventSourceMappingsCommand({}));
    return (EventSourceMappings ?? []).filter(({ FunctionArn }) => FunctionArn?.endsWith(`:${functionName}`));
  }
}
