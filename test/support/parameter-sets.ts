import { PARAMETERS, parameterOf } from "../../deploy/template/variables.ts";

const KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/** As the plain template's parameters. */
export const asParameters = (given: Readonly<Record<string, string>>) => ({
  CodeBucket: "code",
  CodePrefix: "soketi/",
  ...Object.fromEntries(Object.entries(given).map(([name, value]) => [parameterOf(name), value])),
});

/** Sets of `serverless deploy`'s parameters that have, together, every part of the pipeline. */
export const SETS: Record<string, Readonly<Record<string, string>>> = {
  "its own table, and nothing else": { redisUrl: "redis://cache:6379/1" },
  "an existing table, VPC, keys, IAM, a boundary, evict": {
    redisClusterNodes: "a:6379,b:6379",
    redisTls: "on",
    redisUsername: "app-sync",
    redisIamCacheName: "apps",
    streamArn: "arn:aws:dynamodb:us-east-1:123456789012:table/my.apps/stream/2026-01-01T00:00:00.000",
    tableKmsKeyArn: KEY,
    queueKmsKeyArn: KEY,
    logKmsKeyArn: KEY,
    subnetIds: "subnet-0a1b2c3d,subnet-0b1c2d3e",
    securityGroupIds: "sg-0a1b2c3d",
    streamsEndpoint: "https://vpce-1.streams.dynamodb.us-east-1.vpce.amazonaws.com",
    permissionsBoundaryArn: "arn:aws:iam::123456789012:policy/limit",
    rolePath: "/team/",
    sharedCache: "evict",
    alarmTopicArn: "arn:aws:sns:us-east-1:123456789012:ops",
    reservedConcurrency: "4",
  },
  "sentinels with a password of SSM, refresh every 15 minutes": {
    redisSentinels: "a:26379,b:26379",
    redisSentinelName: "mymaster",
    redisSentinelUsername: "watch",
    redisSentinelTls: "on",
    redisDb: "2",
    redisPasswordParameter: "/redis/password",
    redisKmsKeyArn: KEY,
    tableName: "my-apps",
    sharedCache: "refresh",
    redisKeyPrefix: "soketi:",
    sharedCacheTtl: "60",
    sweepSchedule: "rate(15 minutes)",
    logRetentionDays: "365",
    logLevel: "WARN",
    logLength: "500",
    minReplicas: "1",
  },
};
/** Each further choice of `on` or `off` on, so that a part that comes later is in it. */
const everythingOn = Object.fromEntries(
  Object.entries(PARAMETERS)
    .filter(([name, { pattern }]) => pattern?.source === "^(on|off)$" && !name.startsWith("redis"))
    .map(([name]) => [name, "on"]),
);
SETS["every choice on, a secret by its ARN"] = {
  ...everythingOn,
  redisUrl: "rediss://app-sync@cache:6379",
  redisSecretId: "arn:aws:secretsmanager:us-east-1:123456789012:secret:redis/apps-AbCd12",
  redisKmsKeyArn: KEY,
  sharedCache: "refresh",
};
