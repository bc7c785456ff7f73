import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { findings, packaged, resourcesOf, type Template, tooWide } from "../support/serverless.ts";
import type { Report } from "./report.ts";

type Parameters = Record<string, string>;

const ARN = "eu-west-1:123456789012";
const KEY = `arn:aws:kms:${ARN}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const TABLES: Parameters[] = [
  {},
  {
    streamArn: `arn:aws:dynamodb:${ARN}:table/apps/stream/2026-01-01T00:00:00.000`,
    tableKmsKeyArn: KEY,
    queueKmsKeyArn: KEY,
    logKmsKeyArn: KEY,
    permissionsBoundaryArn: "arn:aws:iam::123456789012:policy/limit",
    rolePath: "/realtime/",
  },
];
const NETWORKS: Parameters[] = [
  {},
  {
    securityGroupIds: "sg-0123456789abcdef0",
    subnetIds: "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    streamsEndpoint: "https://vpce-0123.streams.dynamodb.eu-west-1.vpce.amazonaws.com",
  },
];
const SHARED: Parameters[] = [
  {},
  { sharedCache: "evict", canary: "off" },
  {
    sharedCache: "refresh",
    redisKeyPrefix: "soketi:",
    sharedCacheFormat: "soketi,sockudo",
    sockudoCachePrefix: "sockudo",
  },
];
const ALARMS: Parameters[] = [{}, { alarmTopicArn: `arn:aws:sns:${ARN}:ops` }];
/** Each with another way to say where Redis is and how to log in. */
const REDIS: Parameters[] = [
  { redisUrl: "redis://cache:6379" },
  { redisUrl: "rediss://app-sync@cache:6379/1", redisSecretId: "redis/apps" },
  {
    redisClusterNodes: "a:6379,b:6379",
    redisTls: "on",
    redisSecretId: `arn:aws:secretsmanager:${ARN}:secret:redis/apps-AbCd12`,
    redisKmsKeyArn: KEY,
  },
  {
    redisSentinels: "a:26379,b:26379",
    redisSentinelName: "mymaster",
    redisSentinelUsername: "watch",
    redisSentinelTls: "on",
    redisDb: "2",
    redisPasswordParameter: "/redis/password",
    redisKmsKeyArn: KEY,
  },
  { redisUrl: "rediss://cache:6379", redisUsername: "app-sync", redisIamCacheName: "apps" },
  {
    redisUrl: "rediss://cache:6379",
    redisUsername: "app-sync",
    redisIamCacheName: "apps",
    redisIamServerless: "on",
  },
];

/** Each table with each network, cache and topic; the ways to Redis take turns. */
function combinations(): { name: string; parameters: Parameters }[] {
  const all = TABLES.flatMap((table) =>
    NETWORKS.flatMap((network) =>
      SHARED.flatMap((shared) => ALARMS.map((alarms) => ({ table, network, shared, alarms }))),
    ),
  );
  return all.map(({ table, network, shared, alarms }, index) => {
    // Not in step with the cache's three modes and the topic's two.
    const redis = REDIS[(index + Math.floor(index / REDIS.length)) % REDIS.length] ?? {};
    const login =
      Object.keys(redis).find((name) => /Secret|Password|IamServerless|IamCache/.test(name)) ?? "no login";
    return {
      name: [
        table.streamArn ? "existing table" : "own table",
        network.subnetIds ? "VPC" : "no VPC",
        `shared cache ${shared.sharedCache ?? "off"}`,
        alarms.alarmTopicArn ? "topic" : "no topic",
        `${Object.keys(redis)[0] ?? ""} with ${login}`,
      ].join(", "),
      parameters: { ...table, ...network, ...shared, ...alarms, ...redis },
    };
  });
}

/** What has to be there, and nothing else, with these parameters. */
function checkParts(template: Template, parameters: Parameters): void {
  const scheduled = ["sharedCache" in parameters, parameters.canary !== "off"].filter(Boolean).length;
  const functions = 2 + scheduled;
  const count = (type: string) => resourcesOf(template, type).length;
  assert.equal(count("AWS::DynamoDB::Table"), parameters.streamArn ? 0 : 1);
  for (const type of ["AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::LogGroup"]) {
    assert.equal(count(type), functions, type);
  }
  assert.equal(count("AWS::Events::Rule"), scheduled);
  for (const { Properties } of resourcesOf(template, "AWS::Lambda::Function")) {
    assert.equal("VpcConfig" in Properties, "subnetIds" in parameters);
  }
  for (const { Properties } of resourcesOf(template, "AWS::CloudWatch::Alarm")) {
    assert.equal("AlarmActions" in Properties, "alarmTopicArn" in parameters);
  }
  const own = "queueKmsKeyArn" in parameters;
  for (const { Properties } of resourcesOf(template, "AWS::SQS::Queue")) {
    assert.equal(Properties.KmsMasterKeyId, own ? KEY : undefined);
    assert.equal(Properties.SqsManagedSseEnabled, own ? undefined : true);
  }
  for (const { Properties } of resourcesOf(template, "AWS::Logs::LogGroup")) {
    assert.equal(Properties.KmsKeyId, own ? KEY : undefined);
    assert.equal(Properties.RetentionInDays, 30);
  }
  for (const { Properties } of resourcesOf(template, "AWS::IAM::Role")) {
    assert.equal(Properties.PermissionsBoundary, parameters.permissionsBoundaryArn);
    assert.equal(Properties.Path, parameters.rolePath ?? "/");
  }
  assert.doesNotMatch(JSON.stringify(template), /REDIS_PASSWORD"|:\/\/[^@/"]*:[^@/"]+@/, "a password");
}

async function prove(
  report: Report,
  name: string,
  parameters: Parameters,
  ...options: string[]
): Promise<void> {
  await report.check(name, async () => {
    const { template, file, folder } = await packaged(parameters, ...options);
    try {
      assert.deepEqual(findings(file), []);
      assert.deepEqual(tooWide(template), []);
      checkParts(template, parameters);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

/** `serverless package` for every combination of parameters, each validated offline. */
export async function proveTemplates(report: Report): Promise<void> {
  // One after the other: osls works in one folder of the project.
  for (const { name, parameters } of combinations()) {
    await prove(report, name, parameters, "--region", "eu-west-1");
  }
  const china = { redisUrl: "rediss://cache:6379", redisSecretId: "redis/apps", sharedCache: "refresh" };
  await prove(report, "in China", china, "--region", "cn-north-1");
}
