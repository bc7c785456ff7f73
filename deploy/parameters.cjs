/**
 * Every parameter of a deployment: what it may be, and what it is when it is not given. They come from
 * `--param="name=value"`, or from the file `serverless.params.<stage>.json`, which the command line overrules.
 */
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");

const HOSTS = /^[^\s,@/]+:\d{1,5}(\s*,\s*[^\s,@/]+:\d{1,5})*$/;
const ON_OFF = { pattern: /^(on|off)$/, expected: "on or off" };
const KEY_ARN = {
  default: "",
  pattern: /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
  expected: "the ARN of a KMS key (of the key, not of an alias), arn:aws:kms:<region>:<account>:key/<id>",
};
/** What CloudWatch Logs takes as retentionInDays. */
const RETENTION = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** An empty default means: not set. `pattern` or `allows` judges what is set. */
const PARAMETERS = {
  redisUrl: {
    default: "",
    // The path is the database's number.
    pattern:
      /^rediss?:\/\/(([^/\s@?#%]|%[0-9a-fA-F]{2})*@)?([^/\s@:[\]?#]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?(\/\d*)?$/,
    expected: "redis://host[:port][/db], or rediss://… for TLS",
  },
  redisClusterNodes: {
    default: "",
    pattern: HOSTS,
    expected: "host:port,… of a Redis Cluster",
  },
  redisSentinels: { default: "", pattern: HOSTS, expected: "host:port,… of sentinels" },
  redisSentinelName: {
    default: "",
    pattern: /^[\w.-]+$/,
    expected: "the name that the sentinels know the master by",
  },
  redisSentinelUsername: { default: "", pattern: /^\S+$/, expected: "a user of the sentinels" },
  redisSentinelTls: { default: "off", ...ON_OFF },
  redisDb: { default: "", allows: within(0, 1_000_000), expected: "a whole number from 0 to 1000000" },
  redisUsername: { default: "", pattern: /^\S+$/, expected: "a user of Redis" },
  redisTls: { default: "off", ...ON_OFF },
  redisSecretId: {
    default: "",
    pattern: /^([\w/+=.@-]{1,512}|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-\w{6})$/,
    expected:
      "the name of a secret in Secrets Manager, or its whole ARN with the six random characters at its end",
  },
  redisPasswordParameter: {
    default: "",
    pattern: /^\/?[\w.-]+(\/[\w.-]+)*$/,
    expected: "the name of a SecureString in SSM's Parameter Store",
  },
  redisIamCacheName: {
    default: "",
    pattern: /^[a-z][a-z0-9-]{0,49}$/,
    expected: "the id of an ElastiCache replication group, or the name of a serverless cache, in lower case",
  },
  redisIamServerless: { default: "off", ...ON_OFF },
  redisKmsKeyArn: KEY_ARN,
  securityGroupIds: { default: "", pattern: /^sg-\w+(\s*,\s*sg-\w+)*$/, expected: "sg-…,sg-…" },
  subnetIds: { default: "", pattern: /^subnet-\w+(\s*,\s*subnet-\w+)*$/, expected: "subnet-…,subnet-…" },
  streamsEndpoint: {
    default: "",
    pattern: /^https:\/\/[\w.-]+$/,
    expected: "https://vpce-….streams.dynamodb.<region>.vpce.amazonaws.com of an interface endpoint",
  },
  tableName: { default: "", pattern: /^[\w.-]{3,255}$/, expected: "3 to 255 of a-z A-Z 0-9 _ . -" },
  streamArn: {
    default: "",
    pattern: /^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table\/[\w.-]{3,255}\/stream\/[\d:.T-]+$/,
    expected: "LatestStreamArn of the table, arn:aws:dynamodb:<region>:<account>:table/<table>/stream/<time>",
  },
  tableKmsKeyArn: KEY_ARN,
  queueKmsKeyArn: KEY_ARN,
  logKmsKeyArn: KEY_ARN,
  permissionsBoundaryArn: {
    default: "",
    pattern: /^arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/,
    expected: "the ARN of a managed policy, arn:aws:iam::<account>:policy/<name>",
  },
  rolePath: {
    default: "/",
    // What IAM takes: printable, and a slash at both ends.
    pattern: /^\/([!-~]{1,510}\/)?$/,
    expected: "a path of IAM that begins and ends with a slash, as /teams/realtime/",
  },
  prefix: { default: "", pattern: /^[^\s\p{Cc}]{1,200}$/u, expected: "up to 200 characters without a space" },
  logLength: {
    default: "10000",
    allows: within(100, 10_000_000),
    expected: "a whole number from 100 to 10000000",
  },
  minReplicas: { default: "0", allows: within(0, 100), expected: "a whole number from 0 to 100" },
  logBytes: {
    default: "33554432",
    allows: within(2 ** 20, 2 ** 34),
    expected: "a whole number of bytes from 1048576 to 17179869184",
  },
  sharedCache: { default: "off", pattern: /^(off|evict|refresh)$/, expected: "off, evict or refresh" },
  sharedCacheFormat: {
    default: "soketi",
    pattern: /^(soketi|sockudo|soketi,sockudo)$/,
    expected: "soketi, sockudo, or soketi,sockudo for both",
  },
  sockudoCachePrefix: { default: "", pattern: /^\S{1,200}$/, expected: "sockudo's cache.redis.prefix" },
  redisKeyPrefix: { default: "", pattern: /^\S{1,200}$/, expected: "soketi's SOKETI_DB_REDIS_KEY_PREFIX" },
  sharedCacheTtl: { default: "-1", allows: within(-1, 31_536_000), expected: "seconds, or -1 for no expiry" },
  sweepSchedule: {
    default: "rate(1 hour)",
    allows: (value) => minutesOf(value) >= 5 && minutesOf(value) <= 1440,
    expected:
      "rate(1 hour), rate(1 day), or rate(… minutes) or rate(… hours) with a number above 1, from 5 minutes to a day",
  },
  canary: { default: "on", ...ON_OFF },
  canarySchedule: {
    default: "rate(1 minute)",
    allows: (value) => minutesOf(value) >= 1 && minutesOf(value) <= 60,
    expected:
      "rate(1 minute), rate(1 hour), or rate(… minutes) with a number above 1, from a minute to an hour",
  },
  canaryAppId: {
    default: "app-sync-canary",
    pattern: /^[\w.:-]{1,200}$/,
    expected: "an AppId that no app has: up to 200 letters, digits, dots, colons and dashes",
  },
  alarmTopicArn: {
    default: "",
    pattern: /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+$/,
    expected: "the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>",
  },
  logRetentionDays: {
    default: "30",
    allows: (value) => RETENTION.includes(Number(value)),
    expected: `one of ${RETENTION.join(", ")}`,
  },
  logLevel: { default: "INFO", pattern: /^(DEBUG|INFO|WARN|ERROR)$/, expected: "DEBUG, INFO, WARN or ERROR" },
  reservedConcurrency: { default: "", allows: within(1, 1000), expected: "a whole number from 1 to 1000" },
};

function within(min, max) {
  return (value) => /^-?\d+$/.test(value) && Number(value) >= min && Number(value) <= max;
}

/**
 * Minutes between two runs of a `rate(…)`. NaN for anything else: a cron's gaps are not known to the alarm on them.
 * EventBridge refuses `rate(1 hours)` and `rate(5 minute)`, in the middle of a deployment (its user guide, "Rate expressions").
 */
function minutesOf(schedule) {
  const [, count, unit, plural] = /^rate\(([1-9]\d*) (minute|hour|day)(s?)\)$/.exec(schedule) ?? [];
  if ((count === "1") === (plural === "s")) return Number.NaN;
  return Number(count) * { minute: 1, hour: 60, day: 1440 }[unit];
}

/** What a parameter is worth, in a form that an ARN can be compared with. */
const regionOf = (arn) => arn.split(":")[3];

/** Where parameters contradict each other: each line is a condition, and what is told when it holds. */
function contradictions(is, region) {
  const places = ["redisUrl", "redisClusterNodes", "redisSentinels"].filter((name) => is[name]);
  const logins = ["redisSecretId", "redisPasswordParameter", "redisIamCacheName"].filter((name) => is[name]);
  const tls = is.redisTls === "on" || is.redisUrl.startsWith("rediss:");
  const tableOfStream = /:table\/([^/]+)\//.exec(is.streamArn)?.[1];
  const arns = [
    "streamArn",
    "alarmTopicArn",
    "redisKmsKeyArn",
    "tableKmsKeyArn",
    "queueKmsKeyArn",
    "logKmsKeyArn",
    "redisSecretId",
  ];
  return [
    [
      places.length === 0,
      'redisUrl: expected the Redis that the soketi nodes use, found none. Add --param="redisUrl=rediss://host:6379", ' +
        "or redisClusterNodes, or redisSentinels with redisSentinelName.",
    ],
    [
      places.length > 1,
      `${places.join(", ")}: expected one of them, found ${places.length}. Remove the others.`,
    ],
    [
      /^rediss?:\/\/[^@/]*:[^@/]+@/.test(is.redisUrl),
      "redisUrl: expected no password in it, found one (not shown). Whoever may read the function's configuration or " +
        "the template would read it. Put it into Secrets Manager and name it with redisSecretId, or into SSM with " +
        "redisPasswordParameter.",
    ],
    [
      is.redisSentinels && !is.redisSentinelName,
      "redisSentinelName: expected the master's name beside redisSentinels, found nothing. Add it.",
    ],
    [
      is.redisSentinelName && !is.redisSentinels,
      "redisSentinels: expected host:port,… beside redisSentinelName, found nothing. Add it.",
    ],
    ...["redisSentinelUsername", "redisDb"].map((name) => [
      is[name] && !is.redisSentinels,
      `${name}: expected redisSentinels beside it, found nothing. ` +
        (name === "redisDb" && is.redisUrl
          ? "Put the number at the end of redisUrl, or remove it."
          : "Remove it."),
    ]),
    [
      is.redisSentinelTls === "on" && !is.redisSentinels,
      "redisSentinelTls: expected redisSentinels beside it, found nothing. Remove it.",
    ],
    [
      is.redisSentinelUsername && !is.redisSecretId && !is.redisPasswordParameter,
      "redisSentinelUsername: expected redisSecretId or redisPasswordParameter with JSON that has sentinelPassword, found " +
        "neither. Add one.",
    ],
    [
      // What stands between the first { and the next } says where a cluster keeps a name.
      is.redisClusterNodes && is.prefix && !/^[^{]*\{[^}]+\}/.test(is.prefix),
      "prefix: expected a hash tag such as {app-sync}, without which a cluster keeps the names on different nodes, found " +
        "none. Put braces around a part of it, the same for the agents.",
    ],
    [
      is.redisClusterNodes && Number(is.minReplicas) > 0,
      "minReplicas: expected 0 beside redisClusterNodes, since a cluster's masters are asked instead, found more. With it no " +
        "function starts: remove it.",
    ],
    [
      logins.length > 1,
      `${logins.join(", ")}: expected one of them, found ${logins.length}. Remove the others.`,
    ],
    [
      is.redisIamCacheName && !is.redisUsername,
      "redisUsername: expected the ElastiCache user (its id is its name) beside redisIamCacheName, found nothing. Add it.",
    ],
    [
      is.redisIamCacheName && !tls,
      "redisIamCacheName: expected TLS with it, found none. Use rediss:// in redisUrl, or redisTls=on.",
    ],
    [
      is.redisIamServerless === "on" && !is.redisIamCacheName,
      "redisIamServerless: expected redisIamCacheName beside it, found nothing. Add it, or remove redisIamServerless.",
    ],
    [
      is.redisKmsKeyArn && !is.redisSecretId && !is.redisPasswordParameter,
      "redisKmsKeyArn: expected redisSecretId or redisPasswordParameter that it decrypts, found none. Remove it.",
    ],
    [
      Boolean(is.securityGroupIds) !== Boolean(is.subnetIds),
      "securityGroupIds and subnetIds: expected both or neither, found one. Add the other: a VPC needs both.",
    ],
    [
      is.streamsEndpoint && !is.subnetIds,
      "streamsEndpoint: expected securityGroupIds and subnetIds beside it, found nothing. Outside of a VPC there is no " +
        "use for it: remove it.",
    ],
    [
      is.streamArn && is.tableName && tableOfStream && tableOfStream !== is.tableName,
      `tableName: expected nothing or ${tableOfStream}, the table of streamArn, found "${is.tableName}". Remove it.`,
    ],
    [
      is.tableKmsKeyArn && !is.streamArn,
      "tableKmsKeyArn: expected streamArn beside it, found nothing. The stack's own table has a key of AWS. Remove it.",
    ],
    [
      is.sharedCache === "off" && is.redisKeyPrefix,
      "redisKeyPrefix: expected sharedCache=evict or refresh beside it, found off. Nothing else uses it: remove it.",
    ],
    ...sharedCacheContradictions(is),
    ...arns.map((name) => [
      is[name].startsWith("arn:") && regionOf(is[name]) !== region,
      `${name}: expected one of the stack's region ${region}, found ${regionOf(is[name])}. Deploy with ` +
        `--region ${regionOf(is[name])}, or name one of ${region}.`,
    ]),
  ]
    .filter(([wrong]) => wrong)
    .map(([, words]) => words);
}

function sharedCacheContradictions(is) {
  const sockudo = is.sharedCacheFormat.includes("sockudo");
  const overlap = (one, other) => one.startsWith(other) || other.startsWith(one);
  return [
    [
      sockudo && is.sharedCache !== "refresh",
      `sharedCache: expected refresh beside sharedCacheFormat=${is.sharedCacheFormat}, since an app that is not in its cache is ` +
        "unknown to sockudo, found another. Set it to refresh.",
    ],
    [
      is.sockudoCachePrefix && !sockudo,
      "sockudoCachePrefix: expected sharedCacheFormat=sockudo or soketi,sockudo beside it, found soketi. Remove it.",
    ],
    [
      is.redisKeyPrefix && is.sharedCacheFormat === "sockudo",
      "redisKeyPrefix: expected soketi in sharedCacheFormat beside it, found sockudo alone. Remove it.",
    ],
    [
      is.sharedCacheFormat === "soketi,sockudo" &&
        overlap(`${is.redisKeyPrefix}app:`, `${is.sockudoCachePrefix || "sockudo_cache:"}:app:`),
      "sockudoCachePrefix: expected a prefix that keeps sockudo's entries apart from soketi's, found one under which they " +
        "collide. Choose another, here and in sockudo's cache.redis.prefix.",
    ],
  ];
}

/**
 * @param given what was set, by name
 * @returns every parameter's value, and every mistake: what was expected, what was found, what to do
 */
function check(given, { stage, region }) {
  const mistakes = [];
  const values = {};
  if (stage.length > 30)
    mistakes.push(`stage: expected up to 30 characters, found ${stage.length}. Shorten it.`);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(PARAMETERS, name)) continue;
    const close = Object.keys(PARAMETERS).find((known) => known.toLowerCase() === name.toLowerCase());
    mistakes.push(
      `${name}: expected a parameter of docs/reference/deployment.md, found an unknown one. ${close ? `Write ${close}.` : "Remove it."}`,
    );
  }
  for (const [name, { default: byDefault, pattern, allows, expected }] of Object.entries(PARAMETERS)) {
    const value = String(given[name] ?? "").trim();
    values[name] = value === "" ? byDefault : value;
    if (value === "" || (pattern ? pattern.test(value) : allows(value))) continue;
    mistakes.push(`${name}: expected ${expected}, found ${shown(value)}. Correct it.`);
  }
  return { values, mistakes: [...mistakes, ...contradictions(values, region)] };
}

/**
 * A wrong value in words, as src/config/env.ts has it: whoever mixes parameters up gives a password where none belongs, so that
 * next to nothing is quoted.
 */
function shown(value) {
  const harmless = /^(true|false|on|off|yes|no|none|-?\d{1,3}(\.\d{1,3})?|\d{1,3}(ms|s|m|h|d))$/i;
  return harmless.test(value) ? JSON.stringify(value) : "something else (not shown: it may hold a password)";
}

/** `--param` of the command line over the stage's file. */
function givenTo({ param }, stage) {
  const file = join(__dirname, "..", `serverless.params.${stage}.json`);
  const inFile = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const onLine = (param ?? []).map((item) => [
    item.slice(0, item.indexOf("=")),
    item.slice(item.indexOf("=") + 1),
  ]);
  return { ...inFile, ...Object.fromEntries(onLine) };
}

/** osls asks for each `${file(….cjs):name}`, with the same options: they are judged, and the stage's file is read, once. */
const known = new WeakMap();

/**
 * What the other files of this deployment are told.
 * @param sources what osls gives to each function that it calls for `${file(….cjs):name}`
 */
function settings(sources) {
  const before = known.get(sources.options);
  if (before) return before;
  const made = settle(sources);
  known.set(sources.options, made);
  return made;
}

async function settle({ options, resolveVariable }) {
  const stage = await resolveVariable("sls:stage");
  const region = await resolveVariable("self:provider.region");
  const { values, mistakes } = check(givenTo(options, stage), { stage, region });
  const list = (text) => text.split(",").map((item) => item.trim()).filter(Boolean); // prettier-ignore
  return {
    ...values,
    mistakes,
    stage,
    /** In the names of everything: two stages in one account do not meet. */
    name: `soketi-app-sync-${stage}`,
    /** An existing stream's table is the one in its ARN: under another name the nodes would listen elsewhere. */
    tableName:
      /:table\/([^/]+)\/stream\//.exec(values.streamArn)?.[1] ?? (values.tableName || `soketi-apps-${stage}`),
    vpc: values.subnetIds
      ? { securityGroupIds: list(values.securityGroupIds), subnetIds: list(values.subnetIds) }
      : undefined,
    shared: values.sharedCache !== "off",
    sweepMinutes: minutesOf(values.sweepSchedule),
    canaryMinutes: minutesOf(values.canarySchedule),
    functions: [
      "stream",
      "redrive",
      ...(values.sharedCache === "off" ? [] : ["sweep"]),
      ...(values.canary === "off" ? [] : ["canary"]),
    ],
  };
}

module.exports = {
  PARAMETERS,
  check,
  settings,
  mistakes: async (sources) => (await settings(sources)).mistakes,
};
