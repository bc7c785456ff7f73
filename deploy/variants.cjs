/** What depends on the parameters: an own table or an existing one's stream, the VPC, the environment, the schedules. */
const { settings } = require("./parameters.cjs");

/** The documented apps table of soketi, with the stream that the function reads. It outlives the stack. */
const table = (tableName) => ({
  Resources: {
    AppsTable: {
      Type: "AWS::DynamoDB::Table",
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        TableName: tableName,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [
          { AttributeName: "AppId", AttributeType: "S" },
          { AttributeName: "AppKey", AttributeType: "S" },
        ],
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
        SSESpecification: { SSEEnabled: true },
      },
    },
  },
  Outputs: {
    AppsTableName: { Description: "soketi's SOKETI_APP_MANAGER_DYNAMODB_TABLE", Value: { Ref: "AppsTable" } },
  },
});

module.exports.table = async (sources) => {
  const { streamArn, tableName } = await settings(sources);
  return streamArn ? {} : table(tableName);
};

module.exports.streamArn = async (sources) =>
  (await settings(sources)).streamArn || { "Fn::GetAtt": ["AppsTable", "StreamArn"] };

/** False where there is none: see the plugin. */
module.exports.vpc = async (sources) => (await settings(sources)).vpc ?? false;

/** Null: of the account's common share. Reserved so that other functions cannot keep this one from running. */
module.exports.reservedConcurrency = async (sources) => {
  const { reservedConcurrency } = await settings(sources);
  return reservedConcurrency === "" ? null : Number(reservedConcurrency);
};

module.exports.logRetentionDays = async (sources) => Number((await settings(sources)).logRetentionDays);

/** Of all functions. What is not set is left out. */
module.exports.environment = async (sources) => {
  const is = await settings(sources);
  const all = {
    REDIS_URL: is.redisUrl,
    REDIS_CLUSTER_NODES: is.redisClusterNodes,
    REDIS_SENTINELS: is.redisSentinels,
    REDIS_SENTINEL_NAME: is.redisSentinelName,
    REDIS_SENTINEL_USERNAME: is.redisSentinelUsername,
    REDIS_SENTINEL_TLS: is.redisSentinelTls === "on" ? "on" : "",
    REDIS_DB: is.redisDb,
    REDIS_USERNAME: is.redisUsername,
    REDIS_TLS: is.redisTls === "on" ? "on" : "",
    REDIS_SECRET_ID: is.redisSecretId,
    REDIS_PASSWORD_PARAMETER: is.redisPasswordParameter,
    REDIS_IAM_CACHE_NAME: is.redisIamCacheName,
    REDIS_IAM_SERVERLESS: is.redisIamServerless === "on" ? "on" : "",
    APP_MANAGER_DYNAMODB_TABLE: is.tableName,
    APP_SYNC_PREFIX: is.prefix,
    APP_SYNC_LOG_LENGTH: is.logLength,
    APP_SYNC_MIN_REPLICAS: is.minReplicas === "0" ? "" : is.minReplicas,
    APP_SYNC_LOG_BYTES: is.logBytes,
    // Read by the SDK itself. An interface endpoint of DynamoDB Streams has no private DNS name.
    AWS_ENDPOINT_URL_DYNAMODB_STREAMS: is.streamsEndpoint,
    SHARED_CACHE: is.sharedCache,
    SHARED_CACHE_FORMAT: is.sharedCacheFormat === "soketi" ? "" : is.sharedCacheFormat,
    SOCKUDO_CACHE_PREFIX: is.sockudoCachePrefix,
    DB_REDIS_KEY_PREFIX: is.redisKeyPrefix,
    APP_MANAGER_CACHE_TTL: is.shared ? is.sharedCacheTtl : "",
    POWERTOOLS_LOG_LEVEL: is.logLevel,
    POWERTOOLS_METRICS_NAMESPACE: "soketi-app-sync",
    // A dimension of every metric: two stages in one account are two services.
    POWERTOOLS_SERVICE_NAME: is.name,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
};

/** osls makes the functions' log groups; with a key of the account's own they get it here. */
module.exports.logGroups = async (sources) => {
  const { functions, logKmsKeyArn } = await settings(sources);
  if (!logKmsKeyArn) return {};
  const group = (fn) => [
    `${fn[0].toUpperCase()}${fn.slice(1)}LogGroup`,
    { Type: "AWS::Logs::LogGroup", Properties: { KmsKeyId: logKmsKeyArn } },
  ];
  return { Resources: Object.fromEntries(functions.map(group)) };
};

/** Only a fleet that shares its cache has something to sweep. */
module.exports.sweep = async (sources) => {
  const { shared, sweepSchedule } = await settings(sources);
  if (!shared) return {};
  return {
    sweep: {
      handler: "dist/handlers/sweep.handler",
      description: "Schedule -> the shared cache compared with the table, and repaired",
      role: { "Fn::Sub": "${SweepRole.Arn}" },
      memorySize: 512,
      // The longest that Lambda runs. A table of a million apps is read in less.
      timeout: 900,
      vpc: await module.exports.vpc(sources),
      package: { patterns: ["dist/handlers/sweep.mjs"] },
      events: [
        { schedule: { rate: [sweepSchedule], description: "soketi-app-sync: sweep the shared cache" } },
      ],
    },
  };
};

/** Its runs do not overlap: each has half a minute, and there is one a minute at most. */
module.exports.canary = async (sources) => {
  const { canary, canarySchedule, canaryMinutes, canaryAppId } = await settings(sources);
  if (canary === "off") return {};
  return {
    canary: {
      handler: "dist/handlers/canary.handler",
      description: "Schedule -> a write of its own item, timed until the last node has it",
      role: { "Fn::Sub": "${CanaryRole.Arn}" },
      memorySize: 256,
      timeout: 30,
      vpc: await module.exports.vpc(sources),
      environment: { APP_SYNC_CANARY_APP: canaryAppId, APP_SYNC_CANARY_MINUTES: String(canaryMinutes) },
      package: { patterns: ["dist/handlers/canary.mjs"] },
      // The next one is due soon: one that failed, or was not let run, is not made up for.
      maximumRetryAttempts: 0,
      maximumEventAge: 60,
      events: [
        {
          schedule: {
            rate: [canarySchedule],
            description: "soketi-app-sync: how long a change takes to the last node",
          },
        },
      ],
    },
  };
};
