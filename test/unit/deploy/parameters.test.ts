import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";

const require = createRequire(import.meta.url);
const { check, settings } = require("../../../deploy/parameters.cjs") as {
  check: (
    given: Record<string, string>,
    where: { stage: string; region: string },
  ) => { values: Record<string, string>; mistakes: string[] };
  settings: (sources: object) => Promise<Record<string, unknown>>;
};

const WHERE = { stage: "prod", region: "eu-west-1" };
const REDIS = { redisUrl: "rediss://cache:6379" };
const KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/apps/stream/2026-01-01T00:00:00.000";
const mistakesOf = (given: Record<string, string>, where = WHERE) => check(given, where).mistakes;

describe("parameters that are right", () => {
  it.each<[string, Record<string, string>]>([
    ["a URL alone", REDIS],
    ["a URL with a user, an IPv6 address and a database", { redisUrl: "redis://app-sync@[fd00::1]:6379/2" }],
    ["a cluster with TLS", { redisClusterNodes: "a:6379, b:6379", redisTls: "on", redisUsername: "u" }],
    ["sentinels", { redisSentinels: "a:26379,b:26379", redisSentinelName: "mymaster" }],
    ["a secret by name, with its key", { ...REDIS, redisSecretId: "redis/apps", redisKmsKeyArn: KEY }],
    [
      "a secret by ARN",
      { ...REDIS, redisSecretId: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:redis/apps-AbCd12" },
    ],
    ["IAM", { ...REDIS, redisIamCacheName: "apps", redisUsername: "u", redisIamServerless: "on" }],
    ["a password of SSM", { ...REDIS, redisPasswordParameter: "/prod/redis/password" }],
    [
      "an existing table with its key",
      { ...REDIS, streamArn: STREAM, tableName: "apps", tableKmsKeyArn: KEY },
    ],
    ["a shared cache", { ...REDIS, sharedCache: "evict", redisKeyPrefix: "soketi:", sharedCacheTtl: "60" }],
    [
      "both formats",
      { ...REDIS, sharedCache: "refresh", sharedCacheFormat: "soketi,sockudo", sockudoCachePrefix: "s" },
    ],
    ["China", { ...REDIS, alarmTopicArn: "arn:aws-cn:sns:eu-west-1:123456789012:ops" }],
    ...["rate(1 day)", "rate(1 hour)", "rate(5 minutes)", "rate(24 hours)"].map(
      (sweepSchedule): [string, Record<string, string>] => [sweepSchedule, { ...REDIS, sweepSchedule }],
    ),
    ...["rate(1 minute)", "rate(1 hour)", "rate(60 minutes)", "rate(15 minutes)"].map(
      (canarySchedule): [string, Record<string, string>] => [
        `canary ${canarySchedule}`,
        { ...REDIS, canarySchedule },
      ],
    ),
    ["no canary", { ...REDIS, canary: "off" }],
    ["a canary of another id", { ...REDIS, canaryAppId: "ops:canary-eu" }],
    ["the longest retentions", { ...REDIS, logRetentionDays: "3653" }],
    [
      "sentinels with users, TLS and a database",
      {
        redisSentinels: "a:26379",
        redisSentinelName: "m",
        redisSentinelUsername: "watch",
        redisSentinelTls: "on",
        redisDb: "3",
        redisSecretId: "s",
      },
    ],
    ["keys of queues and logs", { ...REDIS, queueKmsKeyArn: KEY, logKmsKeyArn: KEY }],
    [
      "what a company asks of roles",
      {
        ...REDIS,
        permissionsBoundaryArn: "arn:aws:iam::123456789012:policy/team/limit",
        rolePath: "/team/a/",
      },
    ],
    ["AWS's own boundary", { ...REDIS, permissionsBoundaryArn: "arn:aws:iam::aws:policy/PowerUserAccess" }],
  ])("%s", (_, given) => {
    expect(mistakesOf(given)).toEqual([]);
  });
});

describe("parameters that are wrong: what was expected, what was found, what to do", () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ["no Redis", {}, /^redisUrl: expected the Redis that .*, found none\. Add /],
    [
      "two",
      { ...REDIS, redisClusterNodes: "a:1" },
      /^redisUrl, redisClusterNodes: expected one .*found 2\. Remove/,
    ],
    ["no URL", { redisUrl: "cache:6379" }, /^redisUrl: expected redis:\/\/.*not shown/],
    ...["redis://100%@h", "redis://u#1@h", "redis://u?1@h"].map(
      (redisUrl): [string, Record<string, string>, RegExp] => [
        `a login that is not encoded: ${redisUrl}`,
        { redisUrl },
        /^redisUrl: expected redis:.*not shown/,
      ],
    ),
    [
      "a prefix without a hash tag on a cluster",
      { redisClusterNodes: "a:1", prefix: "app-sync" },
      /^prefix: expected a hash tag such as/,
    ],
    [
      "replicas of a cluster, which no function would start with",
      { redisClusterNodes: "a:1", minReplicas: "1" },
      /^minReplicas: expected 0 beside redisClusterNodes/,
    ],
    ["a database that is none", { redisUrl: "redis://cache/apps" }, /^redisUrl: expected redis:\/\//],
    ["a password", { redisUrl: "rediss://:p@cache" }, /^redisUrl: expected no password in it/],
    [
      "a password after it",
      { redisUrl: "rediss://cache?password=p" },
      /^redisUrl: expected redis.*not shown/,
    ],
    [
      "a password among nodes",
      { redisClusterNodes: "u:p@a:6379" },
      /^redisClusterNodes: expected .*not shown/,
    ],
    [
      "a name alone among nodes, which may be a password",
      { redisClusterNodes: "a:6379,s3cret" },
      /^redisClusterNodes: expected .*not shown/,
    ],
    ["sentinels without a name", { redisSentinels: "a:1" }, /^redisSentinelName: expected/],
    ["a name without sentinels", { ...REDIS, redisSentinelName: "m" }, /^redisSentinels: expected/],
    [
      "two logins",
      { ...REDIS, redisSecretId: "s", redisPasswordParameter: "p" },
      /^redisSecretId, redisPasswordParameter: expected one of them, found 2/,
    ],
    [
      "IAM without a user",
      { ...REDIS, redisIamCacheName: "apps" },
      /^redisUsername: expected the ElastiCache user/,
    ],
    [
      "IAM without TLS",
      { redisUrl: "redis://cache", redisIamCacheName: "apps", redisUsername: "u" },
      /^redisIamCacheName: expected TLS/,
    ],
    [
      "a name in capitals",
      { ...REDIS, redisIamCacheName: "Apps", redisUsername: "u" },
      /in lower case, found something else \(not shown/,
    ],
    [
      "serverless alone",
      { ...REDIS, redisIamServerless: "on" },
      /^redisIamServerless: expected redisIamCacheName/,
    ],
    ["a key for nothing", { ...REDIS, redisKmsKeyArn: KEY }, /^redisKmsKeyArn: expected redisSecretId or/],
    [
      "an alias",
      { ...REDIS, redisSecretId: "s", redisKmsKeyArn: KEY.replace("key/", "alias/") },
      /not of an alias/,
    ],
    ["half a VPC", { ...REDIS, subnetIds: "subnet-1" }, /^securityGroupIds and subnetIds: expected both/],
    [
      "groups that are none",
      { ...REDIS, subnetIds: "subnet-1", securityGroupIds: "my-group" },
      /^securityGroupIds: .*sg-/,
    ],
    [
      "an endpoint for nothing",
      { ...REDIS, streamsEndpoint: "https://vpce-1" },
      /^streamsEndpoint: expected securityGroupIds and subnetIds/,
    ],
    [
      "a table's ARN",
      { ...REDIS, streamArn: STREAM.replace(/\/stream.*/, "") },
      /^streamArn: expected LatestStreamArn/,
    ],
    [
      "another table",
      { ...REDIS, streamArn: STREAM, tableName: "other" },
      /^tableName: expected nothing or apps/,
    ],
    ["a key for the own table", { ...REDIS, tableKmsKeyArn: KEY }, /^tableKmsKeyArn: expected streamArn/],
    ["a mode", { ...REDIS, sharedCache: "on" }, /^sharedCache: expected off, evict or refresh, found "on"/],
    ["a format", { ...REDIS, sharedCacheFormat: "both" }, /^sharedCacheFormat: expected soketi, sockudo, or/],
    [
      "sockudo's entries evicted",
      { ...REDIS, sharedCache: "evict", sharedCacheFormat: "sockudo" },
      /^sharedCache: expected refresh beside sharedCacheFormat=sockudo/,
    ],
    [
      "sockudo's prefix alone",
      { ...REDIS, sockudoCachePrefix: "s" },
      /^sockudoCachePrefix: expected sharedCacheFormat/,
    ],
    [
      "soketi's prefix for sockudo",
      { ...REDIS, sharedCache: "refresh", sharedCacheFormat: "sockudo", redisKeyPrefix: "x:" },
      /^redisKeyPrefix: expected soketi in sharedCacheFormat/,
    ],
    [
      "one prefix for both",
      {
        ...REDIS,
        sharedCache: "refresh",
        sharedCacheFormat: "soketi,sockudo",
        redisKeyPrefix: "x:",
        sockudoCachePrefix: "x",
      },
      /^sockudoCachePrefix: expected a prefix that keeps/,
    ],
    ["a prefix for nothing", { ...REDIS, redisKeyPrefix: "x" }, /^redisKeyPrefix: expected sharedCache/],
    ["a cron", { ...REDIS, sweepSchedule: "cron(0 * * * ? *)" }, /^sweepSchedule: expected rate/],
    // EventBridge refuses these, in the middle of a deployment.
    ...[
      "rate(1 hours)",
      "rate(5 minute)",
      "rate(2 hour)",
      "rate(1 days)",
      "rate(05 minutes)",
      "rate(5  minutes)",
    ].map((sweepSchedule): [string, Record<string, string>, RegExp] => [
      sweepSchedule,
      { ...REDIS, sweepSchedule },
      /^sweepSchedule: expected rate\(1 hour\), /,
    ]),
    ["a database without sentinels", { ...REDIS, redisDb: "1" }, /^redisDb: .*at the end of redisUrl/],
    [
      "a user of no sentinels",
      { ...REDIS, redisSecretId: "s", redisSentinelUsername: "u" },
      /^redisSentinelUsername: expected redisSentinels/,
    ],
    [
      "a user of the sentinels without a password",
      { redisSentinels: "a:1", redisSentinelName: "m", redisSentinelUsername: "u" },
      /^redisSentinelUsername: expected redisSecretId or/,
    ],
    [
      "TLS of no sentinels",
      { ...REDIS, redisSentinelTls: "on" },
      /^redisSentinelTls: expected redisSentinels/,
    ],
    ["a path without its end", { ...REDIS, rolePath: "/team" }, /^rolePath: expected a path/],
    [
      "a role as boundary",
      { ...REDIS, permissionsBoundaryArn: "arn:aws:iam::123456789012:role/x" },
      /managed policy/,
    ],
    ...["rate(2 hours)", "rate(61 minutes)", "rate(1 minutes)", "rate(1 day)", "cron(* * * * ? *)"].map(
      (canarySchedule): [string, Record<string, string>, RegExp] => [
        `canary ${canarySchedule}`,
        { ...REDIS, canarySchedule },
        /^canarySchedule: expected rate\(1 minute\), .*from a minute to an hour/,
      ],
    ),
    [
      "a canary that may be on or off",
      { ...REDIS, canary: "yes" },
      /^canary: expected on or off, found "yes"/,
    ],
    // IAM would read it as a variable.
    ["an id for the canary", { ...REDIS, canaryAppId: "${aws:userid}" }, /^canaryAppId: expected an AppId/],
    ["too often", { ...REDIS, sweepSchedule: "rate(1 minute)" }, /^sweepSchedule: .*from 5 minutes/],
    ["a log too short", { ...REDIS, logLength: "10" }, /^logLength: expected a whole number from 100/],
    [
      "a log too small",
      { ...REDIS, logBytes: "32mb" },
      /^logBytes: expected a whole number of bytes from 1048576/,
    ],
    ["days", { ...REDIS, logRetentionDays: "31" }, /^logRetentionDays: expected one of 1, 3/],
    ["concurrency", { ...REDIS, reservedConcurrency: "0" }, /^reservedConcurrency: expected/],
    ["a typing error", { ...REDIS, tablename: "apps" }, /^tablename: .*unknown one\. Write tableName\./],
  ])("%s", (_, given, words) => {
    const mistakes = mistakesOf(given);
    expect(mistakes).toEqual([expect.stringMatching(words)]);
    expect(mistakes[0]).toMatch(/expected.*found.*\. ./s);
  });

  it("and a password in any of them is not shown", () => {
    const names = Object.keys(check({}, WHERE).values);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      for (const value of [
        "zebra",
        "u:zebra@host:1",
        "redis://:zebra@h/1/2",
        "ze bra,zebra",
        "zebra\u0000",
      ]) {
        expect(JSON.stringify(mistakesOf({ ...REDIS, [name]: value }))).not.toContain("zebra");
      }
    }
  });

  it.each(["streamArn", "alarmTopicArn", "queueKmsKeyArn", "logKmsKeyArn"])(
    "%s of another region",
    (name) => {
      const arn = { streamArn: STREAM, alarmTopicArn: "arn:aws:sns:eu-west-1:123456789012:ops" }[name] ?? KEY;
      expect(mistakesOf({ ...REDIS, [name]: arn }, { stage: "prod", region: "us-east-1" })).toEqual([
        expect.stringMatching(/expected one of the stack's region us-east-1, found eu-west-1\. Deploy with/),
      ]);
    },
  );

  it("a stage whose name makes a function's too long", () => {
    expect(mistakesOf(REDIS, { stage: "s".repeat(31), region: "eu-west-1" })[0]).toMatch(/^stage: /);
    // 64 is the limit of a function's name.
    expect(`soketi-app-sync-${"s".repeat(30)}-redrive`.length).toBeLessThanOrEqual(64);
  });

  it("all at once, and no password in any", () => {
    const mistakes = mistakesOf({ redisUrl: "redis://u:hunter2@h:x", redisTls: "yes", logLevel: "debug" });
    expect(mistakes).toHaveLength(4);
    expect(mistakes.join()).not.toContain("hunter2");
  });
});

describe("settings", () => {
  const sources = (...param: string[]) => ({
    options: { param },
    resolveVariable: (name: string) => Promise.resolve(name === "sls:stage" ? "prod" : "eu-west-1"),
  });

  it("a URL's own equals signs stay", async () => {
    const { redisUrl } = await settings(sources("redisUrl=redis://a=b@cache"));
    expect(redisUrl).toBe("redis://a=b@cache");
  });

  it("the table has the stage in its name, unless it is named, or has a stream", async () => {
    expect((await settings(sources())).tableName).toBe("soketi-apps-prod");
    expect((await settings(sources("tableName=mine"))).tableName).toBe("mine");
    expect((await settings(sources(`streamArn=${STREAM}`))).tableName).toBe("apps");
  });
});
